// The token, for as long as this tab is open and nowhere else: never in an address, a cookie or a lasting store.

const KEY = "framekeep-token";
let held: string | null = null;

export function token(): string | null {
  held ??= kept(KEY);
  return held;
}

export function keepToken(value: string): void {
  held = value;
  keep(KEY, value);
}

export function forgetToken(): void {
  held = null;
  drop(KEY);
}

/** Something this tab must still know after it has been to the identity provider and back. */
export function keep(key: string, value: string): void {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // A browser that stores nothing: it is held in memory until the page is loaded again.
  }
}

export function kept(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

export function drop(key: string): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Nothing was kept.
  }
}
