// What no server can do for a page: the reader's own clock, what is said when the connection is lost, dialogs.
(() => {
  'use strict';
  const pad = (number) => String(number).padStart(2, '0');

  // Moments are sent in UTC and shown in the reader's time zone.
  function local(time) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf()) || time.dataset.shown === time.dateTime) return;
    const today = new Date().toDateString() === at.toDateString();
    const day = today ? '' : `${at.toLocaleDateString(undefined, {day: 'numeric', month: 'short', year: 'numeric'})}, `;
    time.textContent = day + at.toLocaleTimeString(undefined, {hour: '2-digit', minute: '2-digit'});
    time.title = at.toLocaleString();
    time.dataset.shown = time.dateTime;
  }

  function spoken(seconds) {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${pad(s % 60)} s`;
    return `${Math.floor(s / 3600)} h ${pad(Math.floor((s % 3600) / 60))} min`;
  }

  // How long something has run, second by second; the server's clock counts.
  let skew = 0;
  const served = document.querySelector('meta[name="served-at"]');
  if (served) skew = Date.now() - Date.parse(served.content);
  function tick() {
    const now = Date.now() - skew;
    for (const element of document.querySelectorAll('[data-since]')) {
      const text = spoken((now - Date.parse(element.dataset.since)) / 1000);
      if (element.textContent !== text) element.textContent = text;
    }
  }

  function dress(root) {
    for (const time of root.querySelectorAll('time[datetime]')) local(time);
    tick();
  }

  // One stream a page. Lost for more than a moment, it is said; what is shown stays.
  let losing = 0;
  function lost() {
    if (!losing) losing = setTimeout(() => document.body.classList.add('away'), 1500);
  }
  function back() {
    clearTimeout(losing);
    losing = 0;
    document.body.classList.remove('away');
  }

  function dismiss(notice, after) {
    setTimeout(() => notice.remove(), after);
  }

  const on = (name, act) => document.addEventListener(name, act);
  on('htmx:sse:error', lost);
  on('htmx:sse:close', (event) => { if (event.detail.reason !== 'removed') lost(); });
  on('htmx:sse:before:connection', (event) => { if (event.detail.connection.attempt > 0) lost(); });
  on('htmx:sse:after:connection', back);
  window.addEventListener('offline', lost);
  // A first connection that fails is not tried again by the extension.
  on('htmx:error', (event) => {
    const source = event.detail.ctx && event.detail.ctx.sourceElement;
    if (!source || !source.hasAttribute('hx-sse:connect')) return;
    lost();
    setTimeout(() => { if (source.isConnected && !(source._htmx && source._htmx.sse)) source.dispatchEvent(new Event('reconnect')); }, 3000);
  });
  on('htmx:error', (event) => {
    const source = event.detail.ctx && event.detail.ctx.sourceElement;
    if (!source || source.hasAttribute('hx-sse:connect') || source.hasAttribute('data-poll')) return;
    const said = document.createElement('div');
    said.className = 'notice wrong';
    said.setAttribute('role', 'alert');
    said.append('Pressrun did not answer: nothing was changed that you can see. Try again.');
    document.getElementById('notices').append(said);
    dismiss(said, 8000);
  });
  on('htmx:after:swap', () => {
    dress(document);
    for (const notice of document.querySelectorAll('.notice:not(.wrong):not([data-seen])')) {
      notice.dataset.seen = '';
      dismiss(notice, 6000);
    }
  });
  // What had the focus may go with what is replaced: then what stands nearest has it.
  let had = null;
  on('htmx:before:swap', () => {
    const around = [];
    for (let at = document.activeElement; at && at !== document.body; at = at.parentElement) if (at.id) around.push(at.id);
    had = {focused: document.activeElement, around};
  });
  on('htmx:after:swap', () => {
    if (!had || had.focused.isConnected || document.activeElement !== document.body) return;
    for (const place of had.around.map((id) => document.getElementById(id)).filter(Boolean)) {
      const near = [...place.querySelectorAll('.actions button, .actions a'), ...place.querySelectorAll('a, button')];
      const next = near.find((one) => one.checkVisibility());
      if (next) return next.focus({preventScroll: true});
    }
  });
  on('click', (event) => {
    const button = event.target.closest('[data-dismiss]');
    if (button) button.closest('.notice').remove();
  });
  // Only where the browser lets a page write to the clipboard: over https, or on this machine.
  function offerCopies() {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll('[data-copy][hidden]')) button.hidden = false;
  }
  on('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const label = button.textContent;
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = label; }, 2000);
  });
  on('htmx:after:swap', offerCopies);
  offerCopies();
  on('submit', (event) => {
    const dialog = event.target.closest('dialog');
    if (dialog) dialog.close();
    const menu = event.target.closest('[popover]');
    if (menu) menu.hidePopover();
  });

  // What a page has to say aloud is said when it changes, at most every five seconds.
  const aloud = () => (document.querySelector('[data-announce]') || {}).textContent;
  let said = aloud();
  setInterval(() => {
    const now = aloud();
    if (now && now !== said) document.getElementById('announcement').textContent = said = now;
  }, 5000);
  // How many articles stand in a text: one a line, or what stands between lines of ---.
  function count(text) {
    const lines = text.split('\n').map((line) => line.trim());
    const texts = lines.includes('---') ? text.split(/^\s*---\s*$/m) : lines;
    return texts.filter((part) => part.trim()).length;
  }
  for (const shown of document.querySelectorAll('[data-count-of]')) {
    const field = document.getElementById(shown.dataset.countOf);
    const tell = () => { const n = count(field.value); shown.textContent = n ? `${n.toLocaleString()} so far` : ''; };
    field.addEventListener('input', tell);
    tell();
  }
  // A field of a moment is in the reader's time zone; without scripts it is read as UTC.
  for (const field of document.querySelectorAll('[data-offset-in]')) {
    const hint = document.getElementById(`${field.id}-told`);
    if (hint && !field.hasAttribute('aria-invalid')) hint.textContent = 'In your own time';
    field.form.addEventListener('submit', () => {
      const minutes = field.value ? -new Date(field.value).getTimezoneOffset() : 0;
      const size = Math.abs(minutes);
      document.getElementById(field.dataset.offsetIn).value = `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
    });
  }
  // What no stream tells of is asked for again every few seconds, one question at a time, while somebody looks.
  const due = new WeakMap();
  const isPoll = (event) => Boolean(event.detail.ctx && event.detail.ctx.sourceElement.hasAttribute('data-poll'));
  function poll() {
    for (const element of document.hidden ? [] : document.querySelectorAll('[data-poll]')) {
      const at = due.get(element);
      if (at === undefined) due.set(element, Date.now() + element.dataset.poll * 1000);
      else if (at <= Date.now()) {
        due.set(element, Infinity);
        element.dispatchEvent(new Event('poll'));
      }
    }
  }
  on('htmx:before:response', (event) => {
    if (!isPoll(event)) return;
    if (event.detail.ctx.response.status < 400) back();
    else {
      lost();
      event.preventDefault();
    }
  });
  on('htmx:error', (event) => { if (isPoll(event)) lost(); });
  on('htmx:finally:request', (event) => {
    if (!isPoll(event)) return;
    const element = event.detail.ctx.sourceElement;
    due.set(element, Date.now() + element.dataset.poll * 1000);
  });

  // Where the list of pages is wider than the window, the one that is open is in sight.
  const here = document.querySelector('.rail [aria-current]');
  if (here) here.scrollIntoView({block: 'nearest', inline: 'center'});

  dress(document);
  setInterval(tick, 1000);
  setInterval(poll, 500);
})();
