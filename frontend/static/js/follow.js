// Follows a submission that is not finished: moves the progress bar on, and reloads the page when
// the state changes, that of the run of its weights, its place in the queue, or what it waits for.
// Without this file the page has a link that says Refresh.

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 10000;

const status = document.querySelector("[data-follow]");

function showProgress({ done, total }) {
  const bar = status.querySelector("[data-progress]");
  if (!bar) {
    return total > 0;
  }
  bar.max = total;
  bar.value = done;
  status.querySelector("[data-progress-done]").textContent = done;
  const all = status.querySelector("[data-progress-total]");
  if (all) {
    all.textContent = total;
  }
  return false;
}

async function look() {
  const answer = await fetch(status.dataset.follow, { headers: { Accept: "application/json" } });
  if (!answer.ok) {
    return false;
  }
  const submission = await answer.json();
  const run = submission.weights?.run;
  const hasMoved =
    submission.state !== status.dataset.state ||
    String(submission.queue?.position ?? 0) !== status.dataset.position ||
    (submission.postponed_because ?? "") !== status.dataset.postponed ||
    (run?.state ?? "") !== status.dataset.run;
  return hasMoved || showProgress(run?.state === "running" ? run : submission.progress);
}

async function follow(wait) {
  let hasChanged = false;
  if (!document.hidden) {
    // A server that restarts answers again soon: keep asking, less and less often.
    hasChanged = await look().catch(() => false);
  }
  if (hasChanged) {
    window.location.reload();
    return;
  }
  window.setTimeout(follow, wait, Math.min(wait * 1.25, LONGEST_WAIT_MS));
}

if (status) {
  follow(FIRST_WAIT_MS);
}
