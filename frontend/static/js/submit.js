// Sends the form with a progress bar, and keeps the chosen archive when the form is refused.
// Without this file the browser sends the same form by itself.

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function tell(form, text) {
  form.querySelector("[data-upload-progress]").hidden = false;
  form.querySelector("[data-upload-text]").textContent = text;
}

function showProgress(form, { loaded, total }) {
  form.querySelector("progress").value = (100 * loaded) / total;
  tell(
    form,
    loaded < total
      ? `${megabytes(loaded)} of ${megabytes(total)} MB sent`
      : "Sent. The server is storing it.",
  );
}

// A refused form comes back as a page. It takes this one's place, but for the file field: no page
// can choose a file, and the one that was chosen is still good.
function showAnswer(form, html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  const main = document.importNode(answer.querySelector("main"), true);
  main.querySelector("#archive")?.replaceWith(form.querySelector("#archive"));
  document.querySelector("main").replaceWith(main);
  watch(main.querySelector("[data-upload]"));
  main.focus();
  window.scrollTo(0, 0);
}

function settle(form, request) {
  const arrived = new URL(request.responseURL, window.location.href);
  if (arrived.pathname === new URL(form.action).pathname) {
    showAnswer(form, request.responseText);
  } else {
    window.location.assign(arrived);
  }
}

function send(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = form.querySelector("button[type=submit]");
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  request.upload.addEventListener("progress", (step) => showProgress(form, step));
  request.addEventListener("load", () => settle(form, request));
  request.addEventListener("error", () => {
    button.disabled = false;
    tell(form, "The connection was lost before the archive had arrived whole. Send it again.");
  });
  button.disabled = true;
  request.send(new FormData(form));
}

function watch(form) {
  form?.addEventListener("submit", send);
}

watch(document.querySelector("[data-upload]"));
