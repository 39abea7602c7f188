// Keeps what moves on a page up to date: asks for the page again and puts the marked part in place.
// When the part no longer asks for it, the page is loaded once more as a whole. Without this file
// the page has a link that says Refresh.

const WAIT_MS = 3000;

async function refreshed(part) {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) {
    return part;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.querySelector("[data-refresh]");
  if (!next) {
    window.location.reload();
    return null;
  }
  part.replaceWith(next);
  return next;
}

async function keepFresh(part) {
  // A server that restarts answers again soon: keep asking.
  const next = document.hidden ? part : await refreshed(part).catch(() => part);
  if (next) {
    window.setTimeout(keepFresh, WAIT_MS, next);
  }
}

const part = document.querySelector("[data-refresh]");

if (part) {
  window.setTimeout(keepFresh, WAIT_MS, part);
}
