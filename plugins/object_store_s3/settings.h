#pragma once

#include <chrono>
#include <cstddef>
#include <imgsrv/imgsrv.hpp>
#include <string>
#include <string_view>

namespace imgsrv::s3 {

namespace sdk = imgsrv::sdk;

// Where the bucket is and how it is addressed.
struct Address {
    bool tls = true;
    std::string host;  // with ":port" unless it is the scheme's own; an IPv6 address in brackets
    std::string bucket;
    std::string region;
    bool path_style = true;

    // What the header Host says.
    std::string authority() const { return path_style ? host : bucket + "." + host; }
    // The encoded path of an object; of the bucket itself when the key is empty.
    std::string path(std::string_view key) const;
    std::string url(std::string_view key, std::string_view query) const;
    // "bucket 'images' at https://s3.example.org", for messages.
    std::string describe() const;
};

// endpoint: "https://s3.example.org:9000" or, without a scheme, "s3.example.org:9000". Throws INVALID_ARGUMENT.
Address parse_address(std::string_view endpoint, std::string bucket, std::string region, bool use_tls, bool path_style);

// What the options say, checked.
struct Settings {
    Address address;
    std::string ca_file;                    // empty: those of the system
    std::chrono::milliseconds connect;      // to be connected, TLS included
    std::chrono::milliseconds inactivity;   // without a byte in either direction
    std::chrono::milliseconds answer;       // a request without much of a body, as a whole
    std::chrono::milliseconds server_work;  // copies and completions, as a whole
    int attempts = 4;                       // of a request that may be repeated
    std::size_t idle_connections = 32;      // kept for reuse
    bool sign_payload = false;              // chunk by chunk, for stores without TLS
    std::string spool_folder;
};

// Throws INVALID_ARGUMENT with the option's name.
Settings read_settings(const sdk::Config& config);

}  // namespace imgsrv::s3
