// What the sliders, the palette, the feed and the picture share: the frames rendered ahead, by target (one edit or two, joined
// by "+"), and the number of the last drag. It lives in the window, for each component is a module of its own.
const live = (window.eclipsedLive ??= {
  sets: new Map(), // key -> { target, basis, total, frames: [{ point, bitmap }] }
  armed: "", // the key whose frames are fetched: what was pointed at, focused or moved last
  before: "", // and the one before it, whose frames are kept too
  ask: null, // asks the server for frames; there while the feed is on the page
  askedAt: 0, // when it was asked, 0 if nothing is on its way
  quietUntil: 0,
  revision: 0, // of the last drag
  dragging: false,
  releasedAt: 0,
  stats: { drawn: 0, stale: 0, fetched: 0, exact: [] }, // for measuring; exact: milliseconds from release to the exact picture
});
const QUIET_MS = 200; // nothing is fetched for this long after a change, for another one may follow
const PATIENCE_MS = 10000; // an answer that takes longer has been lost

const keyOf = (target) => target.join("+");

// The server has drawn a slider of this target: frames of another basis are of no more use.
function expectFrames(target, basis) {
  const key = keyOf(target);
  if (live.sets.get(key)?.basis !== basis) {
    drop(key);
    live.sets.set(key, { target, basis, total: Infinity, frames: [] });
    live.quietUntil = performance.now() + QUIET_MS;
  }
  if (!live.sets.has(live.armed)) live.armed = key;
  pump();
}

function drop(key) {
  for (const frame of live.sets.get(key)?.frames.splice(0) ?? []) frame.bitmap.close();
}

// This target may be moved next: its frames are fetched first, and no others are kept but those of the one before.
function arm(target) {
  const key = keyOf(target);
  if (live.armed !== key) {
    [live.before, live.armed] = [live.armed, key];
    for (const other of live.sets.keys()) if (other !== live.before && other !== key) drop(other);
  }
  pump();
}

// Ask for the next frames of the armed target; at most one question is on its way.
function pump() {
  clearTimeout(live.timer);
  const set = live.sets.get(live.armed);
  if (!live.ask || !set || set.frames.length >= set.total) return;
  const now = performance.now();
  const free = Math.max(live.quietUntil, live.askedAt && live.askedAt + PATIENCE_MS);
  if (now < free) {
    live.timer = setTimeout(pump, free - now + 1);
    return;
  }
  live.askedAt = now;
  live.ask({ target: set.target, basis: set.basis, have: set.frames.length });
}

function nearestFrame(target, point) {
  const distance = (frame) => frame.point.reduce((sum, value, axis) => sum + (value - point[axis]) ** 2, 0);
  const frames = live.sets.get(keyOf(target))?.frames ?? [];
  return frames.reduce((best, frame) => (best && distance(best) <= distance(frame) ? best : frame), null);
}

// The point has moved: the picture shows the nearest frame. From the first move on, answers to earlier releases are stale.
function drag(target, point) {
  if (!live.dragging) {
    live.dragging = true;
    live.revision += 1;
    arm(target);
  }
  const frame = nearestFrame(target, point);
  if (frame) tellPicture({ bitmap: frame.bitmap });
}

// It was let go of: the server is asked for the exact picture.
function release(point, setStateValue) {
  live.dragging = false;
  live.releasedAt = performance.now();
  atOnce(() => setStateValue("released", { point, revision: live.revision }));
}

// Streamlit waits for a turn of the browser before it sends a report, then sends all that came meanwhile in one message, and
// draws only the fragment of the first one again. So a press that came just after a question for frames was carried out, but
// never drawn: it looked lost. What is reported here while nobody presses anything is therefore sent within this turn.
function atOnce(report) {
  const later = window.setTimeout;
  const due = [];
  window.setTimeout = (task, delay, ...rest) => (delay ? later(task, delay, ...rest) : due.push(() => task(...rest)));
  try {
    report();
  } finally {
    window.setTimeout = later;
  }
  for (const send of due) send();
}

// Whether an answer of this revision is older than what the browser shows.
function isStale(revision) {
  const waiting = live.dragging || performance.now() - live.releasedAt < PATIENCE_MS;
  return waiting && revision < live.revision;
}

function tellPicture(detail) {
  window.dispatchEvent(new CustomEvent("eclipsed-live", { detail }));
}

// Calls `settle` when a point that was moved is let go of, or rests after keys. Both kinds of drag end here.
function settleLater(state, milliseconds, settle) {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => settleNow(state, settle), milliseconds);
}

// The same without the wait: a new drag begins, and the timer of the one before would fire in the middle of it.
function settleNow(state, settle) {
  clearTimeout(state.timer);
  if (!state.moved) return;
  state.moved = false;
  settle();
}
