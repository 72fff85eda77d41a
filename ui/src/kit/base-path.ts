/** Where the UI lives: the path of the document's `<base href>`, without the closing slash (`''` at the root). */
export function basePath(): string {
  return new URL(document.baseURI).pathname.replace(/\/[^/]*$/, '');
}
