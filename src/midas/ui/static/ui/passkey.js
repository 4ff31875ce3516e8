// Passkeys: one form, whose button asks the browser for a key and then sends what it answers. No script, no button.
const forms = document.querySelectorAll("form[data-passkey]");

const options = async (form) => {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).request_options;
};

const chosen = (form, wanted) => {
  const alone = form.querySelector("[data-alone]");
  if (!alone) return wanted;
  const selection = wanted.publicKey.authenticatorSelection;
  selection.residentKey = alone.checked ? "required" : "discouraged";
  selection.requireResidentKey = alone.checked;
  if (alone.checked) selection.userVerification = "required";
  return wanted;
};

for (const form of window.PublicKeyCredential ? forms : []) {
  const button = form.querySelector("button[data-ask]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    const says = form.querySelector("[role=alert]");
    says.hidden = true;
    button.disabled = true;
    try {
      const wanted = chosen(form, await options(form));
      const key = await window.webauthnJSON[form.dataset.passkey](wanted);
      form.querySelector("input[name=credential]").value = JSON.stringify(key);
      form.submit();
    } catch {
      says.hidden = false;
      button.disabled = false;
    }
  });
}
for (const form of window.PublicKeyCredential ? [] : forms) form.querySelector("[data-unable]").hidden = false;
