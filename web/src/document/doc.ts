/**
 * The document being labeled: annotations and form fields, immutable, with structural sharing. Coordinates are in the medium's own frame
 * (image pixels after EXIF orientation, text offsets, metres), never screen ones. A draft is this very document as JSON.
 */

export type RecordId = string;

/** A value of an attribute or a form field as the wire has it. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** One annotation. `kind` names the shape that knows `data` (box, polygon, span, …); `label` is null while none is chosen. */
export interface DocRecord<Data = unknown> {
  readonly id: RecordId;
  readonly kind: string;
  readonly label: string | null;
  readonly data: Data;
  readonly attributes: Readonly<Record<string, Value>>;
  /** The frame that the annotation is on, in media that have several. */
  readonly frame?: number;
  /** Annotations with the same group are selected and moved together; never part of an answer. */
  readonly group?: string;
  /** Set on pre-labels: what the contributor has said of them so far. */
  readonly hypothesis?: "proposed" | "accepted";
}

/** A directed relation between two annotations. */
export interface Link {
  readonly id: RecordId;
  readonly from: RecordId;
  readonly to: RecordId;
  readonly label: string;
}

export interface Doc {
  readonly records: ReadonlyMap<RecordId, DocRecord>;
  /** Drawing order, the lowest first. */
  readonly order: readonly RecordId[];
  readonly links: readonly Link[];
  /** Answers that belong to the whole task: form fields, global attributes, by their key. */
  readonly fields: Readonly<Record<string, Value>>;
}

export const EMPTY_DOC: Doc = { records: new Map(), order: [], links: [], fields: {} };

/** A change of the document: pure, small, one file each where it is more than a line. */
export type Action = (doc: Doc) => Doc;

export function putRecords(...given: readonly DocRecord[]): Action {
  return (doc) => {
    if (given.length === 0) return doc;
    const records = new Map(doc.records);
    const fresh: RecordId[] = [];
    for (const record of given) {
      if (!records.has(record.id)) fresh.push(record.id);
      records.set(record.id, record);
    }
    return { ...doc, records, order: fresh.length > 0 ? [...doc.order, ...fresh] : doc.order };
  };
}

/** Removes annotations and the links that touch them. */
export function removeRecords(ids: Iterable<RecordId>): Action {
  return (doc) => {
    const gone = new Set([...ids].filter((id) => doc.records.has(id)));
    if (gone.size === 0) return doc;
    const records = new Map(doc.records);
    for (const id of gone) records.delete(id);
    return {
      ...doc,
      records,
      order: doc.order.filter((id) => !gone.has(id)),
      links: doc.links.filter((link) => !gone.has(link.from) && !gone.has(link.to)),
    };
  };
}

/** Changes some annotations; `change` returns the same object where nothing changes. */
export function updateRecords(ids: Iterable<RecordId>, change: (record: DocRecord) => DocRecord): Action {
  return (doc) => {
    let records: Map<RecordId, DocRecord> | null = null;
    for (const id of ids) {
      const before = doc.records.get(id);
      if (before === undefined) continue;
      const after = change(before);
      if (after === before) continue;
      records ??= new Map(doc.records);
      records.set(id, after);
    }
    return records === null ? doc : { ...doc, records };
  };
}

/** Sets the answer to a field; undefined takes it away. */
export function setField(key: string, value: Value | undefined): Action {
  return (doc) => {
    if (doc.fields[key] === value) return doc;
    const fields = { ...doc.fields };
    if (value === undefined) delete fields[key];
    else fields[key] = value;
    return { ...doc, fields };
  };
}

/** Puts annotations in front of all others, or behind them. */
export function reorder(ids: Iterable<RecordId>, where: "front" | "back"): Action {
  return (doc) => {
    const moved = new Set([...ids].filter((id) => doc.records.has(id)));
    if (moved.size === 0) return doc;
    const rest = doc.order.filter((id) => !moved.has(id));
    const picked = doc.order.filter((id) => moved.has(id));
    const order = where === "front" ? [...rest, ...picked] : [...picked, ...rest];
    return order.every((id, i) => id === doc.order[i]) ? doc : { ...doc, order };
  };
}

export function addLink(link: Link): Action {
  return (doc) =>
    doc.links.some((l) => l.label === link.label && l.from === link.from && l.to === link.to)
      ? doc
      : { ...doc, links: [...doc.links, link] };
}

export function removeLink(id: RecordId): Action {
  return (doc) =>
    doc.links.some((l) => l.id === id) ? { ...doc, links: doc.links.filter((l) => l.id !== id) } : doc;
}

/** One action after another. */
export function sequence(...actions: readonly Action[]): Action {
  return (doc) => actions.reduce((now, action) => action(now), doc);
}

/** What of a document is kept as a draft; `version` tells later programs what they read. */
export interface DocJson {
  version: 1;
  records: DocRecord[];
  links: Link[];
  fields: Record<string, Value>;
}

export function toJson(doc: Doc): DocJson {
  const records = doc.order.flatMap((id) => doc.records.get(id) ?? []);
  return { version: 1, records, links: [...doc.links], fields: { ...doc.fields } };
}

export function fromJson(json: DocJson): Doc {
  return {
    records: new Map(json.records.map((record) => [record.id, record])),
    order: json.records.map((record) => record.id),
    links: json.links,
    fields: json.fields,
  };
}

/** A fresh id (UUID 4) in the form that annotations carry on the wire. Browsers have `crypto.randomUUID` only where pages come over TLS. */
export function newId(): RecordId {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
