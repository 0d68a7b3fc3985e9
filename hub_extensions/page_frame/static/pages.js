// Enhances pages that work without it: live facts as options change, local times, progress as it happens.
"use strict";

(() => {
  document.documentElement.classList.add("rm-script");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Times in the reader's own zone and language; it is named where it is not the hub's, which sentences are in.
  const hubZone = document.getElementById("rm-main")?.dataset.rmTimezone;
  const elsewhere = hubZone && hubZone !== Intl.DateTimeFormat().resolvedOptions().timeZone;
  const localTime = (iso) => {
    const at = new Date(iso);
    const clock = { hour: "2-digit", minute: "2-digit", ...(elsewhere ? { timeZoneName: "short" } : {}) };
    const year = at.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
    const day = { day: "numeric", month: "short", ...year };
    return at.toLocaleString([], at.toDateString() === new Date().toDateString() ? clock : { ...day, ...clock });
  };
  const tell = (time, { iso, words }) => {
    [time.dateTime, time.textContent] = [iso, localTime(iso)];
    if (elsewhere) time.title = words; // by the hub's clock, which sentences go by
  };
  for (const time of all("time[data-rm-clock]")) tell(time, { iso: time.dateTime, words: time.textContent });

  // Cards tell the truth about the options that are chosen; every fact comes from the server.
  const variantsOf = new Map();
  const length = document.querySelector("[data-rm-run-for]");
  const asChosen = (facts) => {
    const chosen = { ...facts, ...(length ? facts.lengths[length.value] : {}) };
    // Who can have it for so long needs nothing instead.
    return facts.lock && !chosen.lock ? { ...chosen, wait: "", nearest: null } : chosen;
  };
  for (const card of all("[data-rm-variants]")) {
    variantsOf.set(card, JSON.parse(card.dataset.rmVariants));
    const choose = () => {
      const radio = card.querySelector(".rm-radio");
      if (!radio.disabled) radio.checked = true;
      show(card);
    };
    all("[data-rm-option]", card).forEach((select) => select.addEventListener("change", choose));
    show(card);
  }

  length?.addEventListener("change", () => [...variantsOf.keys()].forEach(show));

  function show(card) {
    const variants = variantsOf.get(card);
    const variant = variants[all("[data-rm-option]", card).map((select) => select.value).join("\n")];
    if (!variant) return;
    const facts = asChosen(variant);
    for (const place of all("[data-rm-fact]", card)) {
      const fact = facts[place.dataset.rmFact];
      if (place.tagName === "UL") {
        place.replaceChildren(...fact.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
      } else {
        place.textContent = Array.isArray(fact) ? fact.join(", ") || "none" : fact;
      }
    }
    const until = card.querySelector("[data-rm-until]");
    if (until) {
      until.hidden = !facts.until;
      until.classList.toggle("rm-cut", facts.cut);
      const time = until.querySelector("time");
      if (facts.until) tell(time, facts.until);
    }
    lock(card, facts.lock, Object.values(variants).some((each) => !asChosen(each).lock));
    around(card, facts);
  }

  // Waiting for what others have, the place in line that one has, and what is free instead.
  function around(card, facts) {
    const place = card.querySelector("[data-rm-place]");
    if (!place) return;
    place.hidden = !facts.place;
    if (facts.place) {
      const { id, sentence, until } = facts.place;
      const said = place.querySelector("[data-rm-place-said]");
      const kept = place.querySelector("[data-rm-kept]");
      [said.textContent, said.hidden, kept.hidden] = [sentence, Boolean(until), !until];
      const time = kept.querySelector("time");
      if (until) tell(time, until);
      place.querySelector("[data-rm-leave]").value = id;
    }
    card.querySelector("[data-rm-wait]").hidden = !facts.wait;
    const nearest = card.querySelector("[data-rm-nearest]");
    nearest.hidden = !facts.nearest;
    if (facts.nearest) {
      const link = nearest.querySelector("a");
      [link.search, link.querySelector("span").textContent] = [facts.nearest.query, facts.nearest.title];
    }
  }

  // What the gate would refuse says why; a card whose every variant it would refuse cannot be chosen.
  function lock(card, why, usable) {
    const box = card.querySelector("[data-rm-lock]");
    if (!box) return;
    const text = why ? `${why.sentence} ${why.remedy}` : "";
    const said = box.querySelector("p");
    if (said.textContent !== text) said.textContent = text;
    box.hidden = !why;
    if (why) box.dataset.rmReason = why.reason;
    else delete box.dataset.rmReason;
    card.querySelector("[data-rm-tag]").hidden = !why;
    card.classList.toggle("rm-locked", Boolean(why));
    card.classList.toggle("rm-variant-locked", Boolean(why) && usable);
    const ask = card.querySelector("[data-rm-ask]");
    if (ask) {
      ask.hidden = !why || !ask.dataset.rmAsk.split(" ").includes(why.reason);
      const chosen = all("[data-rm-option]", card).map((select) => [select.name, select.value]);
      ask.search = new URLSearchParams([["profile", card.querySelector(".rm-radio").value], ...chosen]).toString();
    }
    const radio = card.querySelector(".rm-radio");
    radio.disabled = !usable;
    if (!usable) radio.checked = false;
    const start = card.querySelector(".rm-start");
    start.hidden = start.disabled = Boolean(why);
    const none = document.querySelector("[data-rm-none-now]");
    if (none) none.hidden = all(".rm-radio").some((each) => !each.disabled);
  }

  // What is left changes while the page is looked at: ask again, and at once when somebody comes back to it.
  const shares = document.querySelector("[data-rm-shares]");
  if (shares && variantsOf.size) {
    const EVERY_MS = 15000;
    let asked = Date.now();
    const ask = async () => {
      asked = Date.now();
      try {
        const answer = await fetch(shares.dataset.rmShares, { headers: { Accept: "application/json" } });
        if (!answer.ok || answer.redirected) return;
        const { profiles } = await answer.json();
        for (const card of variantsOf.keys()) {
          const news = profiles[card.querySelector(".rm-radio").value];
          if (!news) continue;
          variantsOf.set(card, news);
          show(card);
        }
      } catch {
        // The Hub is away for a moment; the next round asks again.
      }
    };
    setInterval(() => document.hidden || ask(), EVERY_MS);
    document.addEventListener("visibilitychange", () => document.hidden || Date.now() - asked < 2000 || ask());
  }

  // One click is one start; the browser's Back button finds the form usable again.
  for (const form of all(".rm-form")) {
    form.addEventListener("submit", (event) => {
      if (form.classList.contains("rm-busy")) event.preventDefault();
      form.classList.add("rm-busy");
    });
    window.addEventListener("pageshow", () => form.classList.remove("rm-busy"));
  }

  // Whoever waits in line sees how far it has come.
  if (document.querySelector("[data-rm-waiting]")) {
    setInterval(() => document.hidden || location.reload(), 15000);
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
