// download PORT PATH CLIENTS BYTES: that many GETs at once on loopback, of a body of that size, which is dropped in the
// kernel; prints MiB/s.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strings.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

// The bytes of one body, or -1.
long get(int port, const std::string& path) {
    const int s = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<in_port_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(s, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    if (::send(s, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) return -1;
    std::string head;
    char byte = 0;
    while (head.find("\r\n\r\n") == std::string::npos && ::recv(s, &byte, 1, 0) == 1) head += byte;
    long length = -1;
    for (std::size_t at = 0; at < head.size(); at = head.find('\n', at) + 1)
        if (::strncasecmp(head.c_str() + at, "content-length:", 15) == 0) length = std::atol(head.c_str() + at + 15);
    long got = 0;
    while (got < length) {
        const auto n = ::recv(s, nullptr, 4 << 20, MSG_TRUNC);
        if (n <= 0) break;
        got += n;
    }
    ::close(s);
    return head.rfind("HTTP/1.1 200", 0) == 0 && got == length ? got : -1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const long bytes = std::atol(argv[4]);
    std::atomic<long> total{0};
    std::atomic<bool> failed{false};
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> clients;
    for (int i = 0; i < std::atoi(argv[3]); ++i)
        clients.emplace_back([&] {
            const long n = get(std::atoi(argv[1]), argv[2]);
            if (n != bytes)
                failed = true;
            else
                total += n;
        });
    for (auto& client : clients) client.join();
    if (failed) return 1;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%.1f\n", static_cast<double>(total) / 1048576.0 / seconds);
    return 0;
}
