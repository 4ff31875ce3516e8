"""What devices write stays, and the name of a stranger typed there goes: no header and no card tells who that is."""
# ruff: noqa: E501 - values stand on one line as they are typed

from __future__ import annotations

import pytest
from tests.deid_bench import USUAL, ct, profile

from midas.deid.devices import code_tells, device_words, words_tell

SHIPPED = profile(*USUAL, "clean-structured-content")


pytestmark = pytest.mark.usefixtures("lenient")


def _cleaned(bench, **attributes):
    outcome, out = bench.clean(ct(**attributes), profile=SHIPPED)
    assert outcome.state == "cleaned", (outcome.reason, outcome.detail)
    return out


def test_a_strangers_name_in_a_code_string_goes_and_the_terms_beside_it_keep_their_places(bench):
    out = _cleaned(
        bench,
        ImageType=["DERIVED", "SECONDARY", "SUNITA WANKHEDE", "MPR"],
        ScanOptions=["HELICAL MODE", "WANKHEDE"],
    )
    assert list(out.ImageType) == ["DERIVED", "SECONDARY", "", "MPR"]
    assert out.ScanOptions == "HELICAL MODE"


@pytest.mark.parametrize(
    "keyword",
    [
        "SequenceName", "FilterType", "ConvolutionKernel", "Manufacturer", "ManufacturerModelName", "SoftwareVersions",
        "RescaleType", "WindowCenterWidthExplanation", "ReceiveCoilName", "PlateType", "PhosphorType", "ProcessingFunction",
        "AcquisitionDeviceProcessingCode", "ScanningSequence", "SequenceVariant", "ViewPosition", "CassetteSize",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "name", ["SURESH PATIL", "Wankhede", "Om Rao", "A K DAS", "sunita_w", "SureshPatil2", "Ram Singh"]
)
def test_no_attribute_of_a_device_keeps_a_strangers_name(bench, keyword, name):
    left = str(_cleaned(bench, **{keyword: name}).get(keyword) or "").casefold()
    assert not any(
        part in left for part in ("suresh", "patil", "wankhede", "rao", "das", "sunita", "ram", "singh")
    )


@pytest.mark.parametrize(
    "keyword", ["SegmentLabel", "FrameLabel", "ROIName", "AcquisitionProtocolName", "GridID"]
)
@pytest.mark.parametrize("name", ["Om Roy", "RAM DAS", "Das Roy"])
def test_short_names_go_from_labels_that_people_type(bench, keyword, name):
    left = str(_cleaned(bench, **{keyword: name}).get(keyword) or "").casefold()
    assert not any(part in left.split() for part in name.casefold().split())


def test_the_maker_beside_a_name_stays(bench):
    out = _cleaned(bench, Manufacturer="SIEMENS (Suresh Patil)", ManufacturerModelName="Elekta Wankhede")
    assert (out.Manufacturer, out.ManufacturerModelName) == ("SIEMENS", "Elekta")
    assert _cleaned(bench, Manufacturer="Dr Suresh Patil Clinic").Manufacturer == "REMOVED"


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("Manufacturer", "Kuratorium OFFIS e.V."), ("Manufacturer", "Mortara Instrument, Inc."), ("Manufacturer", "ELEKTA"),
        ("Manufacturer", "FUJIFILM Corporation"), ("Manufacturer", "TOSHIBA_MEC"), ("Manufacturer", "Hemo WorkStation"), ("ManufacturerModelName", "CARDIART 9108"), ("Manufacturer", "Welch Allyn"),
        ("ManufacturerModelName", "GENESIS_ZEUS"), ("ManufacturerModelName", "Zapper9000"), ("ManufacturerModelName", "Supria"),
        ("ManufacturerModelName", "ADC_5146"), ("ManufacturerModelName", "VariSeed"), ("ManufacturerModelName", "MRT50H1"),
        ("ManufacturerModelName", "https://github.com/fedorov/dcmqi.git"), ("SoftwareVersions", "coreload.81"),
        ("SoftwareVersions", "syngo MR 2004V 4VB11D"), ("SoftwareVersions", "0d533f1"), ("SoftwareVersions", "acp_3403"),
        ("SoftwareVersions", "LightSpeedApps14.13_2.8.2L_H2.1M4"), ("SoftwareVersions", "Release 3.4 b162-SP2"),
        ("SequenceName", "*epfid2d1_72"), ("SequenceName", "*tfl3d1"), ("SequenceName", "*ep_b3000#16"), ("SequenceName", "FSE"),
        ("ConvolutionKernel", "H30s"), ("ConvolutionKernel", "Br40d"), ("ConvolutionKernel", "STANDARD"),
        ("ConvolutionKernel", "BONEPLUS"), ("ConvolutionKernel", "FC08-H"), ("ConvolutionKernel", "Butterworth"),
        ("FilterType", "LARGE BOWTIE FIL"), ("RescaleType", "SIGNAL INTENSITY (UNITLESS)"), ("ReceiveCoilName", "S"),
        ("TransmitCoilName", "TxRx_15Ch_Knee"), ("WindowCenterWidthExplanation", "Algo1"), ("PlateType", "code37"),
        ("ScanOptions", "FILTERED_GEMS"), ("ScanOptions", "PFP"), ("ImageType", "CSAPARALLEL"), ("ImageType", "EPICARDIAL"),
        ("ImageType", "TENSOR_B0"), ("ImageType", "DIS2D"), ("ImageType", "CT_SOM5 SPI DUAL"), ("ImageType", "PROJECTION IMAGE"),
        ("CorrectedImage", "NRGY"), ("Units", "BQML"), ("ApplicationSetupType", "CHANDIGARH"), ("StudyStatusID", "QCSUCCESS"),
    ],
)  # fmt: skip
def test_what_devices_and_the_standard_write_stays(bench, keyword, value):
    assert _cleaned(bench, **{keyword: value}).get(keyword) == value


def test_a_place_among_the_defined_terms_is_one_in_its_attribute_alone():
    assert not code_tells("ApplicationSetupType", "CHANDIGARH")
    assert code_tells("ImageType", "CHANDIGARH")


def test_short_words_tell_where_no_known_word_stands_beside_them():
    assert words_tell("RAM DAS")
    assert not any(map(words_tell, ("DAS", "FC SP 2")))
    assert device_words("RAM SINGH") == ""
