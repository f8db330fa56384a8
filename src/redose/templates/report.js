// tables sort by the buttons in their headings; closed sections open for the printer
const sorted = (table, heading) => {
  const column = heading.cellIndex;
  const up = heading.getAttribute("aria-sort") !== "ascending";
  table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = (row) => row.cells[column].dataset.value;
  const text = (row) => row.cells[column].textContent;
  const order = (a, b) =>
    value(a) !== undefined && value(b) !== undefined
      ? value(a) - value(b)
      : text(a).localeCompare(text(b), undefined, { numeric: true });
  const rows = [...table.tBodies[0].rows].sort((a, b) => order(a, b) * (up ? 1 : -1));
  table.tBodies[0].append(...rows);
};
document.documentElement.classList.add("js");
for (const table of document.querySelectorAll("table.sortable")) {
  for (const heading of table.querySelectorAll("thead th")) {
    heading.firstElementChild.addEventListener("click", () => sorted(table, heading));
  }
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
