// local_data.h - the extension IMGSRV_EXT_LOCAL_DATA, since ABI 1.1: for an object store or a database whose data is a
// folder or a file of this machine. The rules F1 and following of sdk/ABI.md apply.
//
// It tells the host what an operator expects of such data: that it needs no configuration, because the host can give it
// a place in its own data folder (data-dir); which processes may open it at the same time; and whether a backup can be
// made of it. Without the extension the host takes the data to be elsewhere: the component gets its options from the
// configuration alone, every process opens it in the same way, and `imgsrv backup` refuses its database.
#ifndef IMGSRV_LOCAL_DATA_H
#define IMGSRV_LOCAL_DATA_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

// The place is a folder; without the flag it is a file.
#define IMGSRV_LOCAL_DATA_FOLDER 1u
// One process at a time may use the place, except for those that only read it (read_only_option). create() refuses
// others: FAILED_PRECONDITION, with no change, while another instance has the place.
#define IMGSRV_LOCAL_DATA_ONE_PROCESS 2u
// Of a database: while it is in use, a statement of its dialect writes one committed state of it, whole, into a file
// that is absent or empty, which is a place as well. For the dialect sqlite that is VACUUM INTO. `imgsrv backup` relies
// on it.
#define IMGSRV_LOCAL_DATA_SNAPSHOT 4u

// Constant, and the same for all instances: the host asks for it before it creates one. All texts are in UTF-8.
typedef struct imgsrv_ext_local_data {
    uint32_t struct_size;
    uint32_t flags;  // IMGSRV_LOCAL_DATA_*
    // The option that takes the place, a path: an IMGSRV_OPT_STRING of the component, no secret and without a default.
    const char* place_option;
    // What the place is called below data-dir, where the host puts it when place_option is not set: 1 to 64 characters
    // of [A-Za-z0-9._-], neither "." nor "..". The host makes data-dir, and the place when it is a folder. While a
    // server uses it, no other server can use data-dir.
    const char* default_name;
    // The option that makes an instance read-only, beside the process that uses the place: an IMGSRV_OPT_BOOL of the
    // component with the default "false". NULL: there is none, and every process opens the place in the same way.
    const char* read_only_option;
    // A NULL-terminated list of endings, such as "-wal": appended to the file's name, they name the files beside it
    // that belong to it. The host removes them with the file, and puts no file where others have left any. NULL: there
    // are none.
    const char* const* companions;
} imgsrv_ext_local_data;

#define IMGSRV_EXT_LOCAL_DATA "imgsrv.local_data/1"

#ifdef __cplusplus
}
#endif
#endif
