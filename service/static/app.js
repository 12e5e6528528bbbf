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
    if (!source || source.hasAttribute('hx-sse:connect')) return;
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
  on('click', (event) => {
    const button = event.target.closest('[data-dismiss]');
    if (button) button.closest('.notice').remove();
  });
  on('submit', (event) => {
    const dialog = event.target.closest('dialog');
    if (dialog) dialog.close();
  });

  dress(document);
  setInterval(tick, 1000);
})();
