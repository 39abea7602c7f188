// Sends a file in pieces by tus 1.0 and goes on where it was cut off: after a lost connection by
// itself, and after a reload of the page when the same file is chosen again.

const UPLOADS = "/api/v1/uploads";
const PIECE_BYTES = 16 * 1024 * 1024;
const PAUSES_MS = [1000, 2000, 4000, 8000, 15000, 30000];
const GONE = [404, 410];
const MAY_PASS = [0, 408, 429]; // and everything from 500 on
const MAY_PASS_LATER = [409, 423]; // of an upload that has begun

// The server does not take it; the message is its sentence.
export class Refused extends Error {}

// The server stayed away. What has arrived is kept.
export class Away extends Error {}

const memoryOf = (file) => `luss-upload ${file.name} ${file.size} ${file.lastModified}`;

export function forget(file) {
  localStorage.removeItem(memoryOf(file));
}

// How many bytes of a file have arrived already; 0 where none are known of.
export async function arrived(file, formToken) {
  const url = localStorage.getItem(memoryOf(file));
  const answer = url && (await ask("HEAD", url, { formToken }));
  return answer?.status === 200 ? offsetIn(answer) : 0;
}

// Sends what is missing of a file and returns the id of its upload. `destination` has the fields that
// say where it is to be entered: what the board does not take is refused before a byte is sent.
export async function upload(file, { formToken, destination, onProgress, signal }) {
  let url = localStorage.getItem(memoryOf(file));
  let offset = null; // of the next byte; null until the server has said
  let best = 0;
  let failures = 0;
  while (url === null || offset !== file.size) {
    const answer = await nextStep(file, url, offset, {
      formToken,
      destination,
      onProgress,
      signal,
    });
    if (answer.status >= 200 && answer.status < 300) {
      url ??= begun(file, answer);
      offset = offset === null && answer.status === 201 ? 0 : offsetIn(answer);
      onProgress(offset);
      if (offset > best) {
        best = offset;
        failures = 0;
      }
      continue;
    }
    const isGone = url !== null && GONE.includes(answer.status);
    if (!isGone && !mayPass(answer, url !== null)) {
      throw new Refused(problemOf(answer).detail);
    }
    if (!isGone || offset !== null) {
      await pause(failures, signal);
      failures += 1;
    }
    url = isGone ? null : url;
    offset = null;
  }
  return url.split("/").pop();
}

function mayPass(answer, hasBegun) {
  if (problemOf(answer).code.startsWith("quota_")) {
    return false;
  }
  const passing = hasBegun ? [...MAY_PASS, ...MAY_PASS_LATER] : MAY_PASS;
  return passing.includes(answer.status) || answer.status >= 500;
}

function nextStep(file, url, offset, { formToken, destination, onProgress, signal }) {
  if (url === null) {
    const headers = { "Upload-Length": file.size, "Upload-Metadata": metadataOf(destination) };
    return ask("POST", UPLOADS, { formToken, signal, headers });
  }
  if (offset === null) {
    return ask("HEAD", url, { formToken, signal });
  }
  return ask("PATCH", url, {
    formToken,
    signal,
    headers: { "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" },
    body: file.slice(offset, offset + PIECE_BYTES),
    onSent: (bytes) => onProgress(offset + bytes),
  });
}

function metadataOf(fields) {
  const encoded = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${encoded(value)}`)
    .join(",");
}

function begun(file, answer) {
  const url = answer.getResponseHeader("Location");
  localStorage.setItem(memoryOf(file), url);
  return url;
}

const offsetIn = (answer) => Number(answer.getResponseHeader("Upload-Offset"));

// Resolves with the request itself; a connection that was lost has the status 0.
function ask(method, url, { formToken, headers = {}, body = null, onSent, signal }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open(method, url);
    const sent = { "Tus-Resumable": "1.0.0", "X-Form-Token": formToken, ...headers };
    Object.entries(sent).forEach(([name, value]) => request.setRequestHeader(name, value));
    if (onSent) {
      request.upload.addEventListener("progress", (step) => onSent(step.loaded));
    }
    const stop = () => request.abort();
    signal?.addEventListener("abort", stop);
    request.addEventListener("abort", () => reject(signal.reason));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => resolve(request));
    request.addEventListener("loadend", () => signal?.removeEventListener("abort", stop));
    request.send(body);
  });
}

function problemOf(answer) {
  const unknown = { code: "", detail: `The server answered with ${answer.status}.` };
  try {
    return { ...unknown, ...JSON.parse(answer.responseText) };
  } catch {
    return unknown;
  }
}

function pause(failures, signal) {
  if (failures === PAUSES_MS.length) {
    throw new Away("The server does not answer. What has arrived is kept: try again later.");
  }
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(resolve, PAUSES_MS[failures]);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
