#include "key.h"

namespace imgsrv::fs {

KeyPath path_of(std::string_view key) {
    KeyPath path;
    for (auto slash = key.find('/'); slash != std::string_view::npos; slash = key.find('/')) {
        if (!path.folder.empty()) path.folder += '/';
        path.folder.append(key.substr(0, slash)) += kFolderMark;
        key.remove_prefix(slash + 1);
    }
    path.name = key;
    return path;
}

}  // namespace imgsrv::fs
