// Filters what the page holds. The page is complete without it.
"use strict";
(() => {
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const artifacts = [...document.querySelectorAll(".artifact")].map((node) => ({
    node,
    text: null,
    verdict: node.dataset.verdict,
    findings: [...node.querySelectorAll(".finding")].map((finding) => ({
      node: finding,
      severity: Number(finding.dataset.severity),
      rule: finding.dataset.rule,
    })),
  }));

  const filter = () => {
    const { text, severity, rule } = form.elements;
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const least = severity.value === "" ? -1 : Number(severity.value);
    const picks = least >= 0 || rule.value !== "";
    let count = 0;
    for (const artifact of artifacts) {
      let matching = 0;
      for (const finding of artifact.findings) {
        const matches = finding.severity >= least && (rule.value === "" || finding.rule === rule.value);
        finding.node.hidden = !matches;
        matching += matches ? 1 : 0;
      }
      let visible = form.elements[artifact.verdict].checked && (!picks || matching > 0);
      if (visible && words.length > 0) {
        artifact.text ??= artifact.node.textContent.toLowerCase();
        visible = words.every((word) => artifact.text.includes(word));
      }
      artifact.node.hidden = !visible;
      count += visible ? 1 : 0;
    }
    shown.value = `${count} of ${artifacts.length} shown`;
  };

  const setOpen = (open) => {
    for (const { node } of artifacts) {
      if (!node.hidden) node.open = open;
    }
  };

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  document.getElementById("open").addEventListener("click", () => setOpen(true));
  document.getElementById("close").addEventListener("click", () => setOpen(false));
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      form.elements.text.focus();
    }
  });
  // What is closed would not be printed.
  addEventListener("beforeprint", () => setOpen(true));
  form.hidden = artifacts.length < 2;
  filter();
})();
