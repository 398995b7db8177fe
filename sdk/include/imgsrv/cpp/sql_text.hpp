// What a database driver must know about a statement's text before the engine reads it.
#pragma once

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string>
#include <string_view>

namespace imgsrv::sdk {

// In SQL as the standard and PostgreSQL read it, /* */ comments nest; in SQLite they do not.
enum class Comments { flat, nested };

// The text from its first word on; empty when there are only blanks and comments.
inline std::string_view skip_blanks_and_comments(std::string_view sql, Comments comments) noexcept {
    for (;;) {
        const std::size_t begin = sql.find_first_not_of(" \t\r\n\f\v");
        if (begin == std::string_view::npos) return {};
        sql.remove_prefix(begin);
        if (sql.starts_with("--")) {
            const std::size_t end = sql.find('\n');
            if (end == std::string_view::npos) return {};
            sql.remove_prefix(end + 1);
        } else if (sql.starts_with("/*")) {
            std::size_t at = 2;
            for (int depth = 1; depth > 0;) {
                const std::size_t mark = sql.find_first_of("*/", at);
                if (mark == std::string_view::npos) return {};
                const std::string_view two = sql.substr(mark, 2);
                at = mark + (two == "*/" || two == "/*" ? 2 : 1);
                if (two == "*/") --depth;
                if (two == "/*" && comments == Comments::nested) ++depth;
            }
            sql.remove_prefix(at);
        } else {
            return sql;
        }
    }
}

// The first word in upper case; empty when the text does not begin with a letter.
inline std::string first_word(std::string_view sql, Comments comments) {
    sql = skip_blanks_and_comments(sql, comments);
    std::string word;
    for (const unsigned char c : sql) {
        if (!std::isalpha(c)) break;
        word += static_cast<char>(std::toupper(c));
    }
    return word;
}

// True when the statement begins, ends or splits a transaction, which has calls of its own.
inline bool controls_transaction(std::string_view sql, Comments comments) {
    const std::string word = first_word(sql, comments);
    for (const char* w : {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})
        if (word == w) return true;
    return false;
}

}  // namespace imgsrv::sdk
