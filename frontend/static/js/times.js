// Adds the reader's own time to moments of a page, which are written in UTC.

const FORMAT = {
  ...{ year: "numeric", month: "short", day: "numeric" },
  ...{ hour: "numeric", minute: "2-digit", timeZoneName: "short" },
};

export function addLocalTimes(part) {
  for (const time of part.querySelectorAll("time[data-local]")) {
    const here = new Date(time.dateTime).toLocaleString(undefined, FORMAT);
    time.append(` (${here})`);
    time.removeAttribute("data-local");
  }
}

addLocalTimes(document);
