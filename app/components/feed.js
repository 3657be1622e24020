// Takes the frames that the server sends, decodes each once, and asks for the next ones. Shows nothing.
export default function (component) {
  const { data, setTriggerValue } = component;
  live.ask = (want) => atOnce(() => setTriggerValue("want", want));
  if (data.batch) take(data.batch, data.frames);
  else pump();
  return () => (live.ask = null);
}

async function take(batch, table) {
  const set = live.sets.get(keyOf(batch.target));
  const bitmaps = await Promise.all(rows(table, "jpeg").map((bytes) => createImageBitmap(new Blob([bytes], { type: "image/jpeg" }))));
  const fits = set && set === live.sets.get(keyOf(batch.target)) && set.basis === batch.basis && set.frames.length === batch.start;
  if (fits) {
    const points = rows(table, "point");
    set.frames.push(...bitmaps.map((bitmap, n) => ({ point: Array.from(points[n]), bitmap })));
    set.total = batch.total;
    live.stats.fetched += bitmaps.length;
    tellPicture({ fetched: batch.target });
  } else {
    for (const bitmap of bitmaps) bitmap.close();
    if (set && set.basis !== batch.basis) set.total = 0; // out of date: the sliders are told their new basis, and ask anew
  }
  live.askedAt = 0;
  pump();
}

function rows(table, name) {
  const column = table?.getChild(name);
  return column ? Array.from({ length: table.numRows }, (_, row) => column.get(row)) : [];
}
