// The history page: draws the timeline that the extension sends. Texts come with it, in the person's language.

const vscode = acquireVsCodeApi();
const page = document.getElementById('page');
const minute = 60_000;
const ranges = { minute, tenMinutes: 10 * minute, hour: 60 * minute, everything: Infinity };
const marks = { done: '✓', rejected: '✗', superseded: '–', stopped: '–' };
/** Height of a bar with the gap below it. */
const rowHeight = 18;
/** Width of a time in the axis and of a reload's number, with the gap beside it. */
const tickWidth = 90;
const markWidth = 40;

const state = { range: 'tenMinutes', selected: undefined, ...vscode.getState() };
let timeline;

window.addEventListener('message', ({ data }) => {
  timeline = data.timeline;
  remember({ server: data.server });
  draw();
});
window.addEventListener('resize', () => timeline && drawChart());
// Bars of running workers grow.
setInterval(() => {
  if (timeline?.isRunning && !document.hidden) drawChart();
}, 1000);
page.addEventListener('keydown', onKey);
vscode.postMessage('ready');

function remember(change) {
  Object.assign(state, change);
  vscode.setState(state);
}

/** An element with attributes, classes and children; the content security policy allows no markup in texts anyway. */
function make(tag, { classes = '', style = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  Object.assign(element.style, style);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Puts new content into a part of the page, if it says something else than before: what is read aloud is said once. */
function put(id, said, ...content) {
  const part = document.getElementById(id);
  const text = JSON.stringify(said ?? null);
  if (part.dataset.said === text) return;
  part.dataset.said = text;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : '';
  part.replaceChildren(...content.map((one) => one()));
  if (focused) document.getElementById(focused)?.focus();
}

function draw() {
  const { server, subtitle, texts, marks: reloaded, lanes } = timeline;
  if (page.childElementCount === 0) {
    page.append(
      make('h1', { id: 'title' }),
      make('p', { id: 'subtitle', classes: 'subtitle' }),
      make('div', { id: 'controls', classes: 'controls' }),
      make('div', { id: 'chart', role: 'grid', 'aria-label': texts.chart }),
      make('h2', { id: 'details-title' }, texts.details),
      make('section', { id: 'details', 'aria-labelledby': 'details-title', 'aria-live': 'polite' }),
      make('h2', { id: 'reloads-title' }, texts.reloads),
      make('section', { id: 'reloads', 'aria-labelledby': 'reloads-title' }),
    );
  }
  put('title', server, () => server);
  put('subtitle', subtitle, () => subtitle);
  put('controls', state.range, rangeChoice, legend);
  drawChart();
  const bar = lanes.flatMap(({ bars }) => bars).find(({ id }) => id === state.selected);
  // A time that grows is no news.
  put('details', bar && [bar.id, bar.title], () => details(bar));
  put('reloads', reloaded, reloads);
}

function drawChart() {
  const now = timeline.isRunning ? Math.max(Date.now(), timeline.now) : timeline.now;
  const from = Math.max(timeline.from, now - ranges[state.range]);
  const percent = (time) => `${(100 * (Math.min(Math.max(time, from), now) - from)) / Math.max(1, now - from)}%`;
  const width = page.querySelector('.track')?.clientWidth ?? page.clientWidth;
  put('chart', [from, now, width, state.selected, timeline.lanes], ...chart(from, now, width, percent));
}

function rangeChoice() {
  const choices = Object.keys(ranges).map((name) => {
    const input = make('input', { type: 'radio', name: 'range', id: `range-${name}`, value: name });
    input.checked = name === state.range;
    input.addEventListener('change', () => {
      remember({ range: name });
      draw();
    });
    return make('label', { classes: 'range' }, input, timeline.texts[name]);
  });
  return make('fieldset', {}, make('legend', {}, timeline.texts.range), ...choices);
}

function legend() {
  const { legendStarting, legendServing, legendDraining, legendEnded } = timeline.texts;
  const entries = { starting: legendStarting, serving: legendServing, draining: legendDraining, bad: legendEnded };
  return make(
    'ul',
    { classes: 'legend' },
    ...Object.entries(entries).map(([name, text]) =>
      make('li', {}, make('span', { classes: `swatch ${name}`, 'aria-hidden': 'true' }), text),
    ),
  );
}

function chart(from, now, width, percent) {
  const visible = timeline.lanes.map((lane) => {
    const bars = inRows(lane.bars.filter(({ to }) => to === null || to >= from));
    return { ...lane, bars, rows: Math.max(1, ...bars.map(({ row }) => row + 1)) };
  });
  const all = visible.flatMap(({ bars }) => bars);
  // One bar is in the tab order; the arrow keys go from there.
  const reachable = all.find(({ id }) => id === state.selected) ?? all.at(-1);
  const rows = visible.map(
    (lane, index) => () =>
      make(
        'div',
        { classes: `lane${lane.group === visible[index - 1]?.group ? '' : ' first'}`, role: 'row' },
        make('span', { classes: 'name', role: 'rowheader', 'aria-label': lane.title }, `${lane.group} ${lane.slot}`),
        make(
          'div',
          { classes: 'track', role: 'none', style: { height: `${lane.rows * rowHeight}px` } },
          ...lane.bars.map((bar) => barElement(bar, bar === reachable, now, percent)),
        ),
      ),
  );
  return [() => axis(from, now, width, percent), () => reloadMarks(from, now, width, percent), ...rows];
}

/** While a worker is replaced its slot has two: a bar goes into the first row that is free when it begins. */
function inRows(bars) {
  const ends = [];
  return bars.map((bar) => {
    const free = ends.findIndex((end) => end <= bar.from);
    const row = free < 0 ? ends.length : free;
    ends[row] = bar.to ?? Infinity;
    return { ...bar, row };
  });
}

function axis(from, now, width, percent) {
  const tickCount = Math.max(2, Math.min(6, Math.floor(width / tickWidth)));
  const step = (now - from) / tickCount;
  const ticks = Array.from({ length: tickCount }, (_, index) => from + index * step).map((time) =>
    make('span', { style: { left: percent(time) } }, new Date(time).toLocaleTimeString([], { hourCycle: 'h23' })),
  );
  return make(
    'div',
    { classes: 'ticks', 'aria-hidden': 'true' },
    make('span'),
    make('div', { classes: 'track' }, ...ticks),
  );
}

function reloadMarks(from, now, width, percent) {
  const shown = timeline.marks.filter(({ at }) => at >= from);
  const named = withRoom(shown, (markWidth * Math.max(1, now - from)) / Math.max(1, width));
  const signs = shown.map((mark) =>
    make(
      'span',
      { classes: named.includes(mark) ? '' : 'crowded', style: { left: percent(mark.at) } },
      ...(named.includes(mark) ? [`${marks[mark.result]}${mark.id}`] : []),
    ),
  );
  // The table below says the same in words.
  return make(
    'div',
    { classes: 'marks', 'aria-hidden': 'true' },
    make('span'),
    make('div', { classes: 'track' }, ...signs),
  );
}

/** Of reloads that lie closer than a number is wide some stay without: rejected ones are named first, then the latest. */
function withRoom(reloads, room) {
  const byNeed = [...reloads].sort(
    (a, b) => Number(b.result === 'rejected') - Number(a.result === 'rejected') || b.at - a.at,
  );
  const named = [];
  for (const mark of byNeed) if (named.every(({ at }) => Math.abs(at - mark.at) >= room)) named.push(mark);
  return named;
}

function barElement(bar, isReachable, now, percent) {
  const end = bar.to ?? now;
  const left = percent(bar.from);
  const width = `calc(${percent(end)} - ${left})`;
  const total = Math.max(1, end - bar.from);
  const part = (classes, start, stop, text = '') =>
    make('span', { classes, style: { width: `${(100 * Math.max(0, stop - start)) / total}%` } }, text);
  const isBad = bar.end !== null && bar.end !== 'left';
  const parts = [
    part('starting', bar.from, bar.served ?? end),
    ...(bar.served === null ? [] : [part('serving', bar.served, bar.draining ?? end, `g${bar.generation}`)]),
    ...(bar.draining === null ? [] : [part('draining', bar.draining, end)]),
  ];
  const element = make(
    'div',
    {
      id: `bar-${bar.id}`,
      classes: `bar g${bar.generation % 3}${isBad ? ' bad' : ''}`,
      role: 'gridcell',
      tabindex: isReachable ? '0' : '-1',
      'aria-label': bar.title,
      'aria-selected': String(bar.id === state.selected),
      title: bar.title,
      style: { left, width, top: `${bar.row * rowHeight}px` },
    },
    ...parts,
  );
  element.addEventListener('click', () => select(bar.id));
  return element;
}

function details(bar) {
  if (!bar) return make('p', { classes: 'hint' }, timeline.texts.noSelection);
  const facts = bar.facts.flatMap(([name, value]) => [make('dt', {}, name), make('dd', {}, value)]);
  return make('div', {}, make('p', {}, bar.title), make('dl', {}, ...facts));
}

function reloads() {
  if (timeline.marks.length === 0) return make('p', { classes: 'hint' }, timeline.texts.noReloads);
  const open = new Set([...page.querySelectorAll('details[open]')].map(({ id }) => id));
  const head = make('tr', {}, ...timeline.columns.map((column) => make('th', { scope: 'col' }, column)));
  const rows = timeline.marks.map(({ id, result, cells, error }) => {
    const row = cells.map((cell) => make('td', {}, cell));
    if (error !== null) {
      const more = make(
        'details',
        { id: `error-${id}` },
        make('summary', {}, row[3].textContent),
        make('pre', {}, error),
      );
      more.open = open.has(more.id);
      row[3].replaceChildren(more);
    }
    return make('tr', { classes: result }, ...row);
  });
  return make('table', { 'aria-labelledby': 'reloads-title' }, make('thead', {}, head), make('tbody', {}, ...rows));
}

function select(id) {
  remember({ selected: id });
  draw();
  document.getElementById(`bar-${id}`)?.focus();
}

/** Left and right: the generations of a slot; up and down: the slot above and below, about the same time. */
function onKey(event) {
  const current = event.target.closest?.('.bar');
  if (!current) return;
  const rows = [...page.querySelectorAll('.lane')].map((lane) => [...lane.querySelectorAll('.bar')]);
  const row = rows.findIndex((bars) => bars.includes(current));
  const column = rows[row].indexOf(current);
  const near = (bars) => {
    const middle = ({ offsetLeft, offsetWidth }) => offsetLeft + offsetWidth / 2;
    const distance = (bar) => Math.abs(middle(bar) - middle(current));
    return bars && [...bars].sort((a, b) => distance(a) - distance(b))[0];
  };
  const targets = {
    ArrowLeft: () => rows[row][column - 1],
    ArrowRight: () => rows[row][column + 1],
    ArrowUp: () => near(rows.slice(0, row).findLast((bars) => bars.length > 0)),
    ArrowDown: () => near(rows.slice(row + 1).find((bars) => bars.length > 0)),
    Home: () => rows[row][0],
    End: () => rows[row].at(-1),
    Enter: () => current,
    ' ': () => current,
  };
  const target = targets[event.key]?.();
  if (!target) return;
  event.preventDefault();
  select(target.id.slice('bar-'.length));
}
