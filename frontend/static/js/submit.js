// Uploads the archive with a progress bar, in pieces that survive a lost connection, a pause or a
// reload; then sends the form with the upload in the archive's place. What has been uploaded stays
// when the form is refused. Without this file the browser sends the whole form by itself.

import { addLocalTimes } from "./times.js";
import { arrived, Away, forget, Refused, upload } from "./tus.js";

const DESTINATION = ["protocol", "subset", "split", "team", "kind"];
const OF_NO_MORE_USE = ["upload_used", "upload_gone", "upload_differs"];

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const archiveIn = (form) => form.querySelector("#archive").files[0];
const formTokenIn = (form) => form.querySelector("[name=form_token]").value;

// The fields that say where the file goes and as what, as far as they are filled in.
function destinationIn(form) {
  const fields = [...new FormData(form)];
  return Object.fromEntries(fields.filter(([name, value]) => DESTINATION.includes(name) && value));
}

function tell(form, text) {
  form.querySelector("[data-upload-progress]").hidden = false;
  form.querySelector("[data-upload-text]").textContent = text;
}

function showProgress(form, done, total, note = "sent") {
  form.querySelector("progress").value = (100 * done) / total;
  tell(form, `${megabytes(done)} of ${megabytes(total)} MB ${note}`);
}

// While bytes travel the button pauses; paused, it goes on.
function offerPause(form, label, onClick) {
  const button = form.querySelector("[data-upload-pause]");
  button.hidden = label === null;
  button.textContent = label;
  button.onclick = onClick;
}

async function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const file = archiveIn(form);
  const button = form.querySelector("button[type=submit]");
  const pausing = new AbortController();
  button.disabled = true;
  offerPause(form, "Pause", () => pausing.abort());
  try {
    const uploadId = await upload(file, {
      formToken: formTokenIn(form),
      destination: destinationIn(form),
      signal: pausing.signal,
      onProgress: (done) => showProgress(form, done, file.size),
    });
    offerPause(form, null, null);
    tell(form, "Sent. The server is storing it.");
    await enter(form, file, uploadId);
  } catch (error) {
    button.disabled = false;
    offerPause(form, pausing.signal.aborted ? "Resume" : null, () => form.requestSubmit());
    explain(form, file, error);
  }
}

function explain(form, file, error) {
  if (error.name === "AbortError") {
    const bar = form.querySelector("progress");
    showProgress(form, (bar.value / 100) * file.size, file.size, "sent; paused");
  } else if (error instanceof Refused || error instanceof Away) {
    tell(form, error.message);
  } else {
    tell(form, "The connection was lost. What has arrived is kept: submit again to go on.");
  }
}

async function enter(form, file, uploadId) {
  const fields = new FormData(form);
  fields.delete("archive");
  fields.set("upload_id", uploadId);
  const request = { method: "POST", body: fields, headers: { Accept: "text/html" } };
  const answer = await fetch(form.action, request);
  if (new URL(answer.url).pathname !== new URL(form.action).pathname) {
    forget(file);
    window.location.assign(answer.url);
    return;
  }
  showAnswer(form, file, await answer.text());
}

// A refused form comes back as a page. It takes this one's place, but for the file field: no page
// can choose a file, and the one that was chosen is still good.
function showAnswer(form, file, html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  const main = document.importNode(answer.querySelector("main"), true);
  if (OF_NO_MORE_USE.includes(main.querySelector("[data-refused]")?.dataset.refused)) {
    forget(file);
  }
  main.querySelector("[data-archive-lost]")?.remove();
  main.querySelector("#archive")?.replaceWith(form.querySelector("#archive"));
  document.querySelector("main").replaceWith(main);
  addLocalTimes(main);
  watch(main.querySelector("[data-upload]"));
  main.focus();
  window.scrollTo(0, 0);
}

// Another board or team has other limits: they are taken from the page that shows them by itself.
async function showLimits(form) {
  const asked = `${form.action}?${new URLSearchParams(destinationIn(form))}`;
  const answer = await fetch(asked, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const limits = page.querySelector("[data-limits]");
  if (limits && asked === `${form.action}?${new URLSearchParams(destinationIn(form))}`) {
    addLocalTimes(limits);
    form.querySelector("[data-limits]").replaceChildren(...limits.childNodes);
  }
}

async function sayWhatHasArrived(form) {
  const file = archiveIn(form);
  const done = file ? await arrived(file, formTokenIn(form)) : 0;
  if (done > 0) {
    showProgress(form, done, file.size, "of this file have arrived; Submit goes on from there");
  }
}

function watch(form) {
  if (!form) {
    return;
  }
  form.addEventListener("submit", send);
  form.querySelector("#archive").onchange = () => sayWhatHasArrived(form);
  for (const name of DESTINATION) {
    form.querySelector(`select[name=${name}]`)?.addEventListener("change", () => showLimits(form));
  }
}

watch(document.querySelector("[data-upload]"));
