// A store of this browser that outlasts a page: an IndexedDB with one object store.

/**
 * @template Result
 * @param {IDBRequest<Result>} request
 * @returns {Promise<Result>}
 */
export const result = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});

export class BrowserStore {
  #name; #store; #options;
  /** @type {Promise<IDBDatabase> | null} */
  #opening = null;

  /**
   * It is opened when it is used first.
   * @param {string} name of the database
   * @param {string} store of its only object store
   * @param {IDBObjectStoreParameters} [options] of that
   */
  constructor(name, store, options) {
    this.#name = name;
    this.#store = store;
    this.#options = options;
  }

  /**
   * What `work` does is one transaction. `otherwise` where the browser has no database: a private window or a frame may be
   * refused one.
   * @template Result
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => Promise<Result>} work
   * @param {Result} otherwise
   * @returns {Promise<Result>}
   */
  async transaction(mode, work, otherwise) {
    try {
      const open = (await this.#database()).transaction(this.#store, mode);
      const ended = new Promise((done, failed) => {
        open.oncomplete = () => done(null);
        open.onabort = () => failed(open.error);
      });
      const [found] = await Promise.all([work(open.objectStore(this.#store)), ended]);
      return found;
    } catch {
      return otherwise;
    }
  }

  #database() {
    this.#opening ??= new Promise((done, failed) => {
      const request = globalThis.indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(this.#store, this.#options);
      request.onsuccess = () => {
        request.result.onversionchange = () => request.result.close();
        done(request.result);
      };
      request.onerror = () => failed(request.error);
    });
    return this.#opening;
  }
}
