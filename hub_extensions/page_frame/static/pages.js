// Enhances pages that work without it: live facts as options change, local times, progress as it happens.
"use strict";

(() => {
  document.documentElement.classList.add("rm-script");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Times in the reader's own zone and language.
  const today = new Date().toDateString();
  for (const time of all("time[data-rm-clock]")) {
    const at = new Date(time.dateTime);
    const clock = { hour: "2-digit", minute: "2-digit" };
    const day = { day: "numeric", month: "short" };
    time.textContent = at.toLocaleString([], at.toDateString() === today ? clock : { ...day, ...clock });
  }

  // Cards tell the truth about the options that are chosen; every fact comes from the server.
  for (const card of all("[data-rm-variants]")) {
    const variants = JSON.parse(card.dataset.rmVariants);
    const selects = all("[data-rm-option]", card);
    const show = () => {
      const facts = variants[selects.map((select) => select.value).join("\n")];
      if (!facts) return;
      for (const place of all("[data-rm-fact]", card)) {
        const fact = facts[place.dataset.rmFact];
        if (place.tagName === "UL") {
          place.replaceChildren(...fact.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
        } else {
          place.textContent = Array.isArray(fact) ? fact.join(", ") || "none" : fact;
        }
      }
    };
    const choose = () => {
      card.querySelector(".rm-radio").checked = true;
      show();
    };
    selects.forEach((select) => select.addEventListener("change", choose));
    show();
  }

  // One click is one start; the browser's Back button finds the form usable again.
  for (const form of all(".rm-form")) {
    form.addEventListener("submit", (event) => {
      if (form.classList.contains("rm-busy")) event.preventDefault();
      form.classList.add("rm-busy");
    });
    window.addEventListener("pageshow", () => form.classList.remove("rm-busy"));
  }

  // Home: look again while something is changing.
  const panel = document.querySelector("[data-rm-state]");
  if (panel && ["starting", "switching", "stopping"].includes(panel.dataset.rmState)) {
    setTimeout(() => location.reload(), 2000);
  }

  const pending = document.getElementById("rm-pending");
  if (pending) follow(pending);

  function follow(page) {
    const bar = document.getElementById("rm-bar");
    const message = document.getElementById("rm-message");
    const log = document.getElementById("rm-log");
    let last = "";
    const reload = () => location.reload();

    const elapsed = page.querySelector("[data-rm-elapsed]");
    if (elapsed) {
      const began = new Date(elapsed.dataset.rmElapsed);
      setInterval(() => {
        const seconds = Math.max(0, Math.round((Date.now() - began) / 1000));
        elapsed.textContent = seconds < 90 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ago`;
      }, 1000);
    }

    const stream = new EventSource(page.dataset.rmProgress);
    page.addEventListener("submit", () => stream.close()); // whoever cancels leaves with the answer to that
    stream.onmessage = (event) => {
      const news = JSON.parse(event.data);
      if (Number.isFinite(news.progress)) {
        bar.classList.add("rm-known");
        bar.style.setProperty("--rm-progress", `${Math.min(100, Math.max(0, news.progress))}%`);
        bar.setAttribute("aria-valuenow", String(Math.round(news.progress)));
      }
      const text = news.sentence || news.message;
      if (text && text !== last) {
        last = message.textContent = text;
        const entry = document.createElement("li");
        entry.textContent = `${new Date().toLocaleTimeString()}  ${text}`;
        log.prepend(entry);
      }
      if (news.ready) {
        stream.close();
        location.replace(page.dataset.rmNext);
      } else if (news.failed || news.stopped) {
        stream.close();
        reload(); // the server's page says why, and offers the ways on
      }
    };
    stream.onerror = () => {
      // A dropped connection is opened again by the browser; a refused one means that this page is out of date.
      if (stream.readyState === EventSource.CLOSED) setTimeout(reload, 1500);
    };
  }
})();
