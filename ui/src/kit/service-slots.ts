/**
 * Which of the eight service colours a service gets: a pure function of the ranked names, so the same trace has the same
 * colours for everyone. The first to want a slot (by the hash of its name) has it; the others get the next free one. Past the
 * eighth, slots are shared and the bar gets a second texture.
 */

/** Number of categorical colours. */
export const SLOT_COUNT = 8;

/** The look of one service. */
export interface ServiceLook {
  /** Palette slot, 0-based. */
  slot: number;
  /** Whether the slot is shared with an earlier service and so drawn with a texture. */
  textured: boolean;
  /** Two letters that stand for the name. */
  monogram: string;
}

/** Assigns a look to each name; the order of `ranked` decides who gets the preferred slot. */
export function assignLooks(ranked: readonly string[]): Map<string, ServiceLook> {
  const looks = new Map<string, ServiceLook>();
  const taken = new Set<number>();
  const letters = assignMonograms(ranked);
  const give = (name: string, slot: number, textured: boolean) => {
    taken.add(slot);
    looks.set(name, { slot, textured, monogram: letters.get(name) ?? '??' });
  };
  const names = [...new Set(ranked)];
  const displaced = names.filter((name) => {
    const wanted = hashName(name) % SLOT_COUNT;
    if (taken.has(wanted)) return true;
    give(name, wanted, false);
    return false;
  });
  for (const name of displaced) {
    const full = taken.size === SLOT_COUNT;
    let slot = hashName(name) % SLOT_COUNT;
    while (!full && taken.has(slot)) slot = (slot + 1) % SLOT_COUNT;
    give(name, slot, full);
  }
  return looks;
}

/** Two letters of a service name: the initials of its first two words, else its first two letters. */
export function monogram(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const [first = '?', second] = words;
  const letters = second === undefined ? Array.from(first).slice(0, 2) : [Array.from(first)[0], Array.from(second)[0]];
  return letters.join('').toLowerCase();
}

/** Monograms that differ where the names allow it, by the order of the names, so that few services change theirs between pages. */
function assignMonograms(names: readonly string[]): Map<string, string> {
  const out = new Map<string, string>();
  const used = new Set<string>();
  for (const name of [...new Set(names)].sort()) {
    const first = Array.from(monogram(name))[0] ?? '?';
    const others = Array.from(name.toLowerCase()).slice(1).filter((char) => /[\p{L}\p{N}]/u.test(char)).map((char) => first + char);
    const chosen = [monogram(name), ...others].find((letters) => !used.has(letters)) ?? monogram(name);
    used.add(chosen);
    out.set(name, chosen);
  }
  return out;
}

/** FNV-1a over UTF-16 code units, 32 bits (parameters of the published FNV reference). */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  // The low bits of FNV-1a of short names cluster, so the high half is folded in.
  return (hash ^ (hash >>> 15)) >>> 0;
}
