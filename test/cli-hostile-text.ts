/** Text as somebody hostile would write it, for the tests of the terminal. */
import fc from "fast-check";

/** Much of what terminals act on, in any order. */
export const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 8 }),
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom(
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x1b]52;c;aGk=\x1b\\",
        "\x9b31m",
        "\u202e",
        "\u2066",
        "\u200f",
        "\r",
        "\r\n",
        "\u2028",
        "\x00",
        "\x7f",
        "\ud800",
        "日本語",
        "👨‍👩‍👧‍👦",
        "❤️",
        "e\u0301",
        `z${"\u0335".repeat(40)}`,
        "\u{e0041}",
        "\ufeff",
        " ",
        "word",
      ),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(""));
