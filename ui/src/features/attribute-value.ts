/** Attribute values as text: strings as they are, everything else as JSON. */

/** Writes a value of any type. */
export function attributeText(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? 'null';
}
