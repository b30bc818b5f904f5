// Who may reach a private key: the one rule for key files and for the state folder.
// The owner is this process's user or root, others have nothing, and a group has something only where that is allowed.
// Must not: read files.

export interface KeyAccess {
  /** Whether the group may have access: Kubernetes' fsGroup gives volumes a group, and cannot do without. */
  readonly groupAllowed: boolean;
  /** The user of this process. */
  readonly user: number;
}

/** Of the POSIX file system: permission bits, and the owner. */
export interface Access {
  readonly mode: number;
  readonly owner: number;
}

/** Who can reach it besides us and root, as the end of a sentence, and the cure; undefined when nobody can. */
export function exposure(
  { mode, owner }: Access,
  { groupAllowed, user }: KeyAccess,
): { readonly who: string; readonly cure: string } | undefined {
  const bits = (mode & 0o777).toString(8);
  if (owner !== user && owner !== 0)
    return { who: `it belongs to another user (${owner})`, cure: `make ${user} or root its owner` };
  if ((mode & 0o007) !== 0)
    return {
      who: `everybody can use it (mode ${bits})`,
      cure: `take the rights of others away (chmod ${groupAllowed ? 'o=' : 'go='})`,
    };
  if ((mode & 0o070) !== 0 && !groupAllowed)
    return {
      who: `its group can use it (mode ${bits})`,
      cure: "take the group's rights away (chmod g=), or allow it with POSTERN_GROUP_KEYS=true if the group is Postern's alone",
    };
  return undefined;
}
