
"use strict";
// The page can be read without any of this: a strip of pictures becomes a slider, and columns can be sorted.
for (const frames of document.querySelectorAll(".frames")) {
  const figures = [...frames.querySelectorAll(".strip figure")];
  if (figures.length < 2) continue;
  const bar = document.createElement("div");
  bar.className = "slider";
  const play = document.createElement("button");
  play.type = "button";
  play.textContent = "Play";
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0, max: figures.length - 1, step: 1 });
  slider.setAttribute("aria-label", "Step of the training");
  const output = document.createElement("output");
  bar.append(play, slider, output);
  frames.querySelector(".strip").after(bar);
  const show = (number) => {
    figures.forEach((figure, other) => figure.classList.toggle("now", other === number));
    const words = "Step " + figures[number].dataset.step;
    slider.value = number;
    slider.setAttribute("aria-valuetext", words);
    output.textContent = words;
  };
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  slider.addEventListener("input", () => {
    stop();
    show(Number(slider.value));
  });
  play.addEventListener("click", () => {
    if (timer !== null) return stop();
    play.textContent = "Stop";
    let number = Number(slider.value) === figures.length - 1 ? -1 : Number(slider.value);
    const advance = () => {
      show(++number);
      if (number === figures.length - 1) stop();
    };
    timer = setInterval(advance, 400);
    advance();
  });
  const strip = frames.querySelector(".strip");
  for (const name of ["tabindex", "role", "aria-label"]) strip.removeAttribute(name);
  frames.classList.add("live");
  show(figures.length - 1);
}
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const compare = (one, other, sign) => {
    // What has no value stands last, whichever way the column is sorted.
    if (one === "" || other === "") return (one === "") - (other === "");
    const numbers = [Number(one), Number(other)];
    return sign * (numbers.some(Number.isNaN) ? one.localeCompare(other) : numbers[0] - numbers[1]);
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      const rows = [...body.rows];
      rows.sort((one, other) => compare(key(one, column), key(other, column), sign));
      body.append(...rows);
    });
  });
}
