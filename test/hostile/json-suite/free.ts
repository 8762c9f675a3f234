import type { ErrorCode } from "../../../src/errors.ts";

/** What becomes of a text: it is JSON to us, or the code that says why not. */
export type Fate = "taken" | Extract<ErrorCode, "invalid-json" | "too-complex">;

/** What RFC 8259 leaves to the reader: `i_` in JSONTestSuite, and what this reader does. One character is one byte. */
export const free: Readonly<Record<string, readonly [Fate, string]>> = {
  i_number_double_huge_neg_exp: ["taken", "[123.456e-789]"],
  i_number_huge_exp: ["invalid-json", `[0.4e0066${"9".repeat(116)}69999999006]`],
  i_number_neg_int_huge_exp: ["invalid-json", "[-1e+9999]"],
  i_number_pos_double_huge_exp: ["invalid-json", "[1.5e+9999]"],
  i_number_real_neg_overflow: ["invalid-json", "[-123123e100000]"],
  i_number_real_pos_overflow: ["invalid-json", "[123123e100000]"],
  i_number_real_underflow: ["taken", "[123e-10000000]"],
  i_number_too_big_neg_int: ["taken", "[-123123123123123123123123123123]"],
  i_number_too_big_pos_int: ["taken", "[100000000000000000000]"],
  i_number_very_big_negative_int: ["taken", "[-237462374673276894279832749832423479823246327846]"],
  i_object_key_lone_2nd_surrogate: ["invalid-json", '{"\\uDFAA":0}'],
  i_string_1st_surrogate_but_2nd_missing: ["invalid-json", '["\\uDADA"]'],
  i_string_1st_valid_surrogate_2nd_invalid: ["invalid-json", '["\\uD888\\u1234"]'],
  "i_string_UTF-16LE_with_BOM": ["invalid-json", '\xff\xfe[\x00"\x00\xe9\x00"\x00]\x00'],
  "i_string_UTF-8_invalid_sequence": ["invalid-json", '["\xe6\x97\xa5\xd1\x88\xfa"]'],
  "i_string_UTF8_surrogate_U+D800": ["invalid-json", '["\xed\xa0\x80"]'],
  i_string_incomplete_surrogate_and_escape_valid: ["invalid-json", '["\\uD800\\n"]'],
  i_string_incomplete_surrogate_pair: ["invalid-json", '["\\uDd1ea"]'],
  i_string_incomplete_surrogates_escape_valid: ["invalid-json", '["\\uD800\\uD800\\n"]'],
  i_string_invalid_lonely_surrogate: ["invalid-json", '["\\ud800"]'],
  i_string_invalid_surrogate: ["invalid-json", '["\\ud800abc"]'],
  "i_string_invalid_utf-8": ["invalid-json", '["\xff"]'],
  "i_string_inverted_surrogates_U+1D11E": ["invalid-json", '["\\uDd1e\\uD834"]'],
  i_string_iso_latin_1: ["invalid-json", '["\xe9"]'],
  i_string_lone_second_surrogate: ["invalid-json", '["\\uDFAA"]'],
  i_string_lone_utf8_continuation_byte: ["invalid-json", '["\x81"]'],
  i_string_not_in_unicode_range: ["invalid-json", '["\xf4\xbf\xbf\xbf"]'],
  i_string_overlong_sequence_2_bytes: ["invalid-json", '["\xc0\xaf"]'],
  i_string_overlong_sequence_6_bytes: ["invalid-json", '["\xfc\x83\xbf\xbf\xbf\xbf"]'],
  i_string_overlong_sequence_6_bytes_null: ["invalid-json", '["\xfc\x80\x80\x80\x80\x80"]'],
  "i_string_truncated-utf-8": ["invalid-json", '["\xe0\xff"]'],
  i_string_utf16BE_no_BOM: ["invalid-json", '\x00[\x00"\x00\xe9\x00"\x00]'],
  i_string_utf16LE_no_BOM: ["invalid-json", '[\x00"\x00\xe9\x00"\x00]\x00'],
  i_structure_500_nested_arrays: ["too-complex", "[".repeat(500) + "]".repeat(500)],
  "i_structure_UTF-8_BOM_empty_object": ["invalid-json", "\xef\xbb\xbf{}"],
};
