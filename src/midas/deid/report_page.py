"""The words of the report, in English and Hindi, and the page around them: one file that prints and loads nothing."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "De-identification report", "files": "files", "cleaned": "cleaned and verified",
        "held": "held for a person", "regions": "regions masked", "what": "What was done to elements",
        "action": "action", "meaning": "meaning", "elements": "elements", "pixels": "What was masked in pixels",
        "rule": "rule", "evidence": "evidence", "findings": "What the verifier and the examiner noted",
        "severity": "severity", "number": "number",
        "why_held": "Held, and what to do", "reason": "reason", "advice": "what to do", "by_attribute": "By attribute",
        "tag": "tag", "attribute": "attribute", "clause": "clause", "by_output": "By output", "output": "output",
        "verifier": "verifier", "size": "size", "profile": "What was asked", "option": "option",
        "exception": "exception", "threshold": "threshold", "face_keep": "kept of the face",
        "footer": "No value of any attribute is shown here. Held files were not written.",
    },
    "hi": {
        "title": "पहचान-मुक्तिकरण रिपोर्ट", "files": "फ़ाइलें", "cleaned": "शुद्ध और जाँची गई", "held": "व्यक्ति के लिए रोकी गई",
        "regions": "ढके गए भाग", "what": "तत्वों के साथ क्या किया गया", "action": "क्रिया", "meaning": "अर्थ",
        "elements": "तत्व", "pixels": "चित्र में क्या ढका गया", "rule": "नियम", "evidence": "आधार",
        "findings": "जाँच में क्या मिला", "severity": "गंभीरता", "number": "संख्या", "why_held": "रोकी गई फ़ाइलें और क्या करें",
        "reason": "कारण", "advice": "क्या करें", "by_attribute": "विशेषता के अनुसार", "tag": "टैग", "attribute": "विशेषता",
        "clause": "धारा", "by_output": "आउटपुट के अनुसार", "output": "आउटपुट", "verifier": "जाँच", "size": "आकार",
        "profile": "क्या माँगा गया", "option": "विकल्प", "exception": "अपवाद", "threshold": "सीमा",
        "face_keep": "चेहरे का रखा भाग", "act_X": "हटाया गया", "act_Z": "खाली किया गया", "act_D": "कृत्रिम मान रखा गया",
        "act_U": "UID कुंजी से बदला गया", "act_C": "शुद्ध या खिसकाया गया", "act_K": "विकल्प से रखा गया",
        "footer": "यहाँ किसी विशेषता का मान नहीं दिखाया गया। रोकी गई फ़ाइलें नहीं लिखी गईं।",
    },
}  # fmt: skip

PAGE = """<!doctype html><html lang="{{language}}"><head><meta charset="utf-8"><title>{{title}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{--ink:#1c2430;--soft:#5b6675;--line:#dfe4ea;
 --paper:#fff;--wash:#f5f7f9;--accent:#0b6e6e}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#9aa6b4;--line:#2c3542;
 --paper:#12171e;--wash:#1a212b;--accent:#5cc4be}}
body{margin:0 auto;max-width:62rem;padding:2.5rem 1.5rem;
 font:15px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.9rem;margin:0 0 .25rem;letter-spacing:-.02em}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}
header p{margin:.1rem 0;color:var(--soft)}
.mono,td{font-variant-numeric:tabular-nums}
.mono{font:12px ui-monospace,monospace;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1rem;margin:1.6rem 0}
.cards div{background:var(--wash);border-left:3px solid var(--accent);padding:.9rem 1.1rem;border-radius:.3rem}

.cards b{display:block;font-size:1.7rem;line-height:1.2}.cards span{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.88rem}th{text-align:left;color:var(--soft);font-weight:600}
th,td{padding:.32rem .6rem .32rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
td.n{text-align:right}
footer{margin-top:2.5rem;color:var(--soft);font-size:.85rem}
@media print{body{max-width:none;padding:0;font-size:11px}thead{display:table-header-group}tr{break-inside:avoid}}
</style></head><body>{{body}}</body></html>
"""
