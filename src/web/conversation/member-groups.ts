/** Members in the order in which one looks for them. Pure. */
import type { Member } from "../../client/index.ts";

export type MemberGroup = {
  readonly title: string;
  /** What the list is called for screen readers. */
  readonly label: string;
  readonly members: readonly Member[];
};

/** Who is in it, those who are here first; who is invited; who is banned. Groups of nobody are left out. */
export function groupsOf(members: readonly Member[]): readonly MemberGroup[] {
  const isIn = ({ standing }: Member) => standing === "owner" || standing === "member";
  const inside = members.filter(isIn);
  const groups: MemberGroup[] = [
    {
      title: "In this channel",
      label: "Members",
      members: [
        ...inside.filter(({ online }) => online),
        ...inside.filter(({ online }) => !online),
      ],
    },
    { title: "Invited", label: "Invited", members: members.filter(is("invited")) },
    { title: "Banned", label: "Banned", members: members.filter(is("banned")) },
  ];
  return groups.filter((group) => group.members.length > 0);
}

const is = (wanted: Member["standing"]) => (member: Member) => member.standing === wanted;

/** Those whose name or shown name holds what is typed. */
export function matching(members: readonly Member[], typed: string): readonly Member[] {
  const text = typed.trim().toLowerCase().replace(/^@/, "");
  if (text === "") return members;
  return members.filter(
    ({ name, displayName }) => name.includes(text) || displayName.toLowerCase().includes(text),
  );
}
