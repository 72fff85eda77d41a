/** Copying text, with the fallback that plain HTTP origins other than loopback need. */

/** Copies `text`; resolves to whether it worked. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr-only';
  document.body.append(area);
  area.select();
  try {
    // The asynchronous clipboard is refused outside secure contexts; this is the only other way.
    return (document as unknown as { execCommand: (command: string) => boolean }).execCommand('copy');
  } finally {
    area.remove();
  }
}
