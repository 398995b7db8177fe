#pragma once

#include <pthread.h>

#include <csignal>

namespace imgsrv::http {

// Blocks signals in the threads started while it exists: the main thread handles signals, and a write to a reset
// connection must not raise SIGPIPE. Faults stay deliverable.
class BlockedSignals {
  public:
    BlockedSignals() {
        sigset_t set;
        ::sigfillset(&set);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) ::sigdelset(&set, fault);
        ::pthread_sigmask(SIG_SETMASK, &set, &before_);
    }
    ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

  private:
    sigset_t before_{};
};

}  // namespace imgsrv::http
