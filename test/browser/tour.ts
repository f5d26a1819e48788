/** Every view of the page and how a person gets there: for what has to hold in all of them. */
import type { Tab } from "./tab.ts";
import type { Team } from "./team.ts";

export type Stop = {
  readonly name: string;
  /** Goes there from anywhere, by the address where there is one. */
  readonly go: (tab: Tab, team: Team) => Promise<void>;
};

function dialogStop(name: string, title: string, open: (tab: Tab) => Promise<void>): Stop {
  return {
    name,
    go: async (tab, team) => {
      await tab.go(`#/c/${team.channel("ops")}`);
      await tab.sees("eleven minutes");
      await open(tab);
      await tab.dialog(title).waitFor();
    },
  };
}

function at(name: string, hash: string, main: string): Stop {
  return {
    name,
    go: async (tab) => {
      await tab.go(hash);
      await tab.main(main).waitFor();
      await tab.loaded();
    },
  };
}

/** For who is signed out. */
export const DOORS: readonly Stop[] = [
  at("sign-in", "#/", "Sign in"),
  at("sign-up", "#/join/abcd-efgh", "Create an account"),
];

/** For who is signed in, an administrator and owner of #ops. */
export const VIEWS: readonly Stop[] = [
  {
    name: "home",
    go: async (tab) => {
      await tab.go("#/");
      await tab.entry("#ops").waitFor();
    },
  },
  at("guide", "#/guide", "Getting started"),
  {
    name: "conversation",
    go: async (tab, team) => {
      await tab.go(`#/c/${team.channel("ops")}`);
      await tab.sees("eleven minutes");
    },
  },
  {
    name: "direct",
    go: async (tab) => {
      await tab.go("#/@max");
      await tab.sees("wirklich");
    },
  },
  {
    name: "empty conversation",
    go: async (tab, team) => {
      await tab.go(`#/c/${team.channel("design")}`);
      await tab.main("Conversation #design").waitFor();
      await tab.composer.waitFor();
    },
  },
  {
    name: "members",
    go: async (tab, team) => {
      await tab.go(`#/c/${team.channel("ops")}`);
      await tab.sees("eleven minutes");
      const members = tab.page.getByRole("complementary", { name: "Members" });
      if (!(await members.isVisible())) await tab.press("Members", tab.main("Conversation #ops"));
      await members.getByText("Tomás Novák").first().waitFor();
    },
  },
  {
    name: "search",
    go: async (tab) => {
      await tab.go("#/search?q=disks");
      const results = tab.main("Search").getByRole("list", { name: "Results" });
      await results.getByRole("link").first().waitFor();
    },
  },
  at("settings profile", "#/settings/profile", "Settings"),
  at("settings security", "#/settings/security", "Settings"),
  at("settings sessions", "#/settings/sessions", "Settings"),
  at("settings appearance", "#/settings/appearance", "Settings"),
  at("settings notifications", "#/settings/notifications", "Settings"),
  at("settings account", "#/settings/account", "Settings"),
  {
    name: "channel settings",
    go: async (tab, team) => {
      await tab.go(`#/c/${team.channel("ops")}`);
      await tab.sees("eleven minutes");
      await tab.choose("Conversation menu", "Channel settings");
      await tab.main("Settings of #ops").waitFor();
    },
  },
  at("administration accounts", "#/admin/accounts", "Administration"),
  at("administration invitations", "#/admin/invitations", "Administration"),
  at("administration servers", "#/admin/servers", "Administration"),
  at("administration sign-up", "#/admin/sign-up", "Administration"),
  {
    name: "finder",
    go: async (tab) => {
      await tab.go("#/");
      await tab.press("Find people and channels", tab.sidebar);
      const finder = tab.dialog("Find people and channels");
      await finder.getByRole("combobox", { name: "Name" }).fill("*o*");
      await finder.getByRole("option").first().waitFor();
    },
  },
  {
    name: "new channel",
    go: async (tab) => {
      await tab.go("#/");
      await tab.press("New channel", tab.sidebar);
      await tab.dialog("New channel").waitFor();
    },
  },
  dialogStop("shortcuts", "Keyboard shortcuts", async (tab) => {
    await tab.message("eleven minutes").focus();
    await tab.page.keyboard.press("?");
  }),
  dialogStop("message menu", "Delete this message?", async (tab) => {
    const own = tab.message("eleven minutes");
    await own.hover();
    await tab.press("Delete message", own);
  }),
];

const suggestions = (tab: Tab) => tab.page.getByRole("listbox", { name: "Suggestions" });

/** In #ops, with this in the composer. */
function writing(name: string, text: string, then: (tab: Tab) => Promise<void>): Stop {
  return {
    name,
    go: async (tab, team) => {
      await tab.go(`#/c/${team.channel("ops")}`);
      await tab.sees("eleven minutes");
      await tab.composer.fill(text);
      await then(tab);
    },
  };
}

/** What is there only while somebody does something, or finds nothing; for who sees VIEWS, too. */
export const MOMENTS: readonly Stop[] = [
  writing("commands", "/", (tab) => suggestions(tab).waitFor()),
  writing("mention", "Thanks, @m", (tab) => suggestions(tab).waitFor()),
  writing("editing", "", async (tab) => {
    await tab.composer.press("ArrowUp");
    await tab.page.getByRole("textbox", { name: "Edit message" }).waitFor();
  }),
  {
    name: "nothing found",
    go: async (tab) => {
      await tab.go("#/search?q=unicorns");
      await tab.page.getByText("Nothing found").waitFor();
    },
  },
  {
    name: "browse channels",
    go: async (tab) => {
      await tab.go("#/");
      await tab.press("Find people and channels", tab.sidebar);
      await tab.press("Browse channels", tab.dialog("Find people and channels"));
      await tab.dialog("Browse channels").getByRole("listitem").first().waitFor();
    },
  },
  {
    name: "delete account",
    go: async (tab) => {
      await tab.go("#/settings/account");
      await tab.press("Delete account", tab.main("Settings"));
      await tab.dialog("Delete your account?").waitFor();
    },
  },
  {
    name: "sessions of somebody",
    go: async (tab) => {
      await tab.go("#/admin/accounts");
      await tab.choose("Actions for @max", "Sessions");
      await tab.dialog("Sessions of @max").waitFor();
    },
  },
];

/** Leaves what a stop may have opened above the view. */
export async function closeDialogs(tab: Tab): Promise<void> {
  const open = tab.page.getByRole("dialog");
  for (let i = 0; i < 3 && (await open.count()) > 0; i++) await tab.page.keyboard.press("Escape");
}
