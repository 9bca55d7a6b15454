// What is AnimateDiff-Evolved's by its node types, and which files can have a workflow in them.

const THEIRS = /^(ADE_|AnimateDiffLoaderV1|AnimateDiffCombine$)/;
const ANOTHER_PACK = /^AnimateDiff(Sampler|ModuleLoader)$/; // ArtVentureX's, with a Combine of its own
const TYPES = /"(?:class_)?type\\*"\s*:\s*\\*"([^"\\]+)/g; // in JSON, and in JSON in a text
const ENDINGS = {
  json: "application/json",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  mp4: "video/mp4",
  webm: "video/webm",
  mkv: "video/x-matroska",
  mov: "video/quicktime",
};

export const JSON_FILE = [ENDINGS.json];
export const FILES = Object.values(ENDINGS);
export const ACCEPTED = Object.keys(ENDINGS).map((ending) => `.${ending}`);
export const LARGEST = 128 * 2 ** 20; // bytes of a file; the server takes no more

// Browsers do not know the type of every file.
export function typeOfFile(file) {
  return file.type || (ENDINGS[file.name.split(".").pop().toLowerCase()] ?? "");
}

// The page's lists of missing nodes have types, or more about each.
export function theirsAmong(missing) {
  const types = missing.map((one) => (typeof one === "string" ? one : one.type));
  const another = types.some((type) => ANOTHER_PACK.test(type));
  const found = types.filter((type) => THEIRS.test(type) && !(another && /Combine$/.test(type)));
  return [...new Set(found)];
}

// Those that the page does not know, in a file's text.
export function theirsIn(text) {
  const types = [...text.matchAll(TYPES)].map((match) => match[1]);
  return theirsAmong(types.filter((type) => !(type in LiteGraph.registered_node_types)));
}

export function isApi(text) {
  return !/"nodes\\*"\s*:\s*\[/.test(text);
}
