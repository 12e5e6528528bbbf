// Choosing with the keyboard, and where the focus goes when an article has been chosen for and leaves the page.
(() => {
  'use strict';
  const questions = () => [...document.querySelectorAll('[data-question]')];
  const current = () => document.activeElement && document.activeElement.closest('[data-question]');
  const typing = (element) => element.closest('input, textarea, select, [contenteditable], dialog');

  function show(question) {
    question.focus({preventScroll: true});
    question.scrollIntoView({block: 'nearest'});
  }

  function move(step) {
    const all = questions();
    const at = all.indexOf(current());
    const to = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
    if (all[to]) show(all[to]);
  }

  function choose(selector) {
    const question = current() || questions()[0];
    const button = question && question.querySelector(selector);
    if (!button) return;
    show(question);
    button.click();
  }

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector('dialog[open]')) return;
    if (event.key === 'j' || event.key === 'ArrowDown') move(1);
    else if (event.key === 'k' || event.key === 'ArrowUp') move(-1);
    else if (event.key === 'r') choose('[data-recommended]');
    else if (/^[1-9]$/.test(event.key)) choose(`[data-choice="${event.key}"]`);
    else return;
    event.preventDefault();
  });

  // The article that had the focus, and its place, as it was before parts of the page were replaced.
  let had = null;
  document.addEventListener('htmx:before:swap', () => {
    const focused = document.activeElement;
    const question = current();
    const inside = document.getElementById('waiting').contains(focused);
    had = inside ? {focused, id: question && question.id, at: Math.max(0, questions().indexOf(question))} : null;
  });
  document.addEventListener('htmx:after:swap', () => {
    if (!had || had.focused.isConnected || document.getElementById(had.id)) return;
    const all = questions();
    const next = all[Math.min(had.at, all.length - 1)] || document.querySelector('[data-nothing]');
    if (next) show(next);
  });
})();
