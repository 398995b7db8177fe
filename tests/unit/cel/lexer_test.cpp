#include "cel/lexer.h"

#include <catch2/catch.hpp>

#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

TEST_CASE("tokens know their line and their column in characters") {
    CHECK_FALSE(Lexer("ä").next().ok());

    Lexer letters("'ä' +\n  >= 0x1Fu // the rest");
    Token token = *letters.next();
    CHECK(token.kind == Token::Kind::string);
    token = *letters.next();
    CHECK(token.is("+"));
    CHECK(token.at.column == 5);
    token = *letters.next();
    CHECK(token.is(">="));
    CHECK(token.at.line == 2);
    CHECK(token.at.column == 3);
    token = *letters.next();
    CHECK(token.kind == Token::Kind::uinteger);
    CHECK(token.text == "0x1Fu");
    CHECK(letters.next()->kind == Token::Kind::end);
    CHECK(letters.next()->kind == Token::Kind::end);
}

TEST_CASE("numbers in all their forms") {
    CHECK(result("0x7fffffffffffffff") == "9223372036854775807");
    CHECK(result("-0x8000000000000000") == "-9223372036854775808");
    CHECK(result("18446744073709551615u") == "18446744073709551615u");
    CHECK(result("0xFFU") == "255u");
    CHECK(result("1.5e2") == "150.0");
    CHECK(result(".5") == "0.5");
    CHECK(result("5E-1") == "0.5");
    CHECK(result("007") == "7");
}

TEST_CASE("what is no number is refused where it stands") {
    CHECK(complaint("9223372036854775808") == "1:1 the number does not fit into an int of 64 bits");
    CHECK(complaint("1 + -9223372036854775809") == "1:6 the number does not fit into an int of 64 bits");
    CHECK(complaint("18446744073709551616u") == "1:1 the number does not fit into a uint of 64 bits");
    CHECK(complaint("1e999") == "1:1 the number does not fit into a double");
    CHECK(complaint("0x") == "1:1 '0x' without a hexadecimal digit");
    CHECK(complaint("1e") == "1:1 a number's exponent has no digit");
    CHECK(complaint("12monkeys") == "1:1 'm' directly after a number");
    CHECK(complaint("1..2") != "");
}

TEST_CASE("strings: quotes, raw, triple, and what ends them") {
    CHECK(result(R"('it"s' == "it\"s")") == "true");
    CHECK(result(R"(r'\d+\n' == '\\d+\\n')") == "true");
    CHECK(result("'''a\n'b'\n''c''''") == "compile error: unterminated string");
    CHECK(result("'''a\n'b'\n''c''' == 'a\\n\\'b\\'\\n\\'\\'c'") == "true");
    CHECK(result("\"\"\"say \"hi\" \"\"\"") == "'say \"hi\" '");
    CHECK(result("R\"\"\"\\\"\"\"") == "'\\'");
    CHECK(result("''''''") == "''");
    CHECK(complaint("'abc") == "1:1 unterminated string");
    CHECK(complaint("'ab\nc'") == "1:1 unterminated string");
    CHECK(complaint("'abc\\'") == "1:1 unterminated string");
    CHECK(complaint("rb'a'") != "");
}

TEST_CASE("escapes mean characters in strings and bytes in bytes") {
    CHECK(result(R"('\x41\101\u0041\U00000041')") == "'AAAA'");
    CHECK(result(R"('\xff' == '\u00ff' && size('\xff') == 1)") == "true");
    CHECK(result(R"(size(b'\xff\377') == 2)") == "true");
    CHECK(result(R"(b'ÿ' == b'\xc3\xbf')") == "true");
    CHECK(result(R"('\a\b\f\n\r\t\v\\\?\"\'\`' == "\x07\x08\x0c\x0a\x0d\x09\x0b\x5c\x3f\x22\x27\x60")") == "true");
    CHECK(result(R"(br'\xff' == b'\\xff')") == "true");
}

TEST_CASE("an escape that means nothing is refused inside of its string") {
    CHECK(complaint(R"('ab\q')") == "1:4 an escape that does not exist");
    CHECK(complaint("'''a\nb\\q'''") == "2:2 an escape that does not exist");
    CHECK(complaint(R"('\ud800')") == "1:2 an escape that is no Unicode character");
    CHECK(complaint(R"('\U00110000')") == "1:2 an escape that is no Unicode character");
    CHECK(complaint(R"('\x4')") == "1:2 \\x needs two hexadecimal digits");
    CHECK(complaint(R"('\u12g4')") == "1:2 \\u needs four hexadecimal digits");
    CHECK(complaint(R"('\18 ')") == "1:2 an octal escape needs three digits");
    CHECK(complaint(R"('\400')") == "1:2 an escape that does not exist");
    CHECK(complaint(R"(b'\u0041')") == "1:3 \\u stands for a character and cannot be in bytes");
}

TEST_CASE("blanks and comments separate and mean nothing") {
    CHECK(result(" \t\r\f\n1 // one\n+ // two\n 2//") == "3");
    CHECK(complaint("1 \v+ 2") == "1:3 a character that is only allowed inside a string");
    CHECK(complaint("1 + \xc2\xa0 2") == "1:5 a character that is only allowed inside a string");
}

TEST_CASE("operators of other languages get a hint") {
    CHECK(complaint("claims.a = 1") == "1:10 '=' is not an operator; equality is '=='");
    CHECK(complaint("true & false") == "1:6 '&' is not an operator; the logical one is '&&'");
    CHECK(complaint("true | false") == "1:6 '|' is not an operator; the logical one is '||'");
    CHECK(complaint("1 # 2") == "1:3 unexpected character '#'");
}
