// Which users may have access to a private key, in a key file or in the state folder: the owner is this process's user or root,
// others have no access, and the group has access only where that is allowed.
// Must not: read files.

export interface KeyAccess {
  /** Whether the group may have access, which Kubernetes' fsGroup needs. */
  readonly groupAllowed: boolean;
  /** The user of this process. */
  readonly user: number;
}

/** POSIX permission bits and owner of a file. */
export interface Access {
  readonly mode: number;
  readonly owner: number;
}

/** Which other users have access to `file`, as the end of a sentence, and the remedy; undefined when only Postern and root have. */
export function exposure(
  { mode, owner }: Access,
  { groupAllowed, user }: KeyAccess,
  file: string,
): { readonly who: string; readonly remedy: string } | undefined {
  const bits = (mode & 0o777).toString(8);
  if (owner !== user && owner !== 0)
    return {
      who: `it belongs to another user (${owner})`,
      remedy: `run chown ${user} ${file}, or make root its owner`,
    };
  if ((mode & 0o007) !== 0)
    return {
      who: `every user can read or write it (mode ${bits})`,
      remedy: `run chmod ${groupAllowed ? 'o=' : 'go='} ${file}`,
    };
  if ((mode & 0o070) !== 0 && !groupAllowed)
    return {
      who: `its group can read or write it (mode ${bits})`,
      remedy: `run chmod g= ${file}, or allow the group with --group-keys if it is Postern's alone`,
    };
  return undefined;
}
