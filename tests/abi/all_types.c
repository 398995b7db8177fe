// Makes every type of the ABI reachable from one exported function, for libabigail.
#include <imgsrv/abi.h>
#include <imgsrv/auth.h>
#include <imgsrv/database.h>
#include <imgsrv/local_data.h>
#include <imgsrv/object_store.h>
#include <imgsrv/publish_step.h>

IMGSRV_EXPORT void imgsrv_all_types(const imgsrv_plugin* plugin, const imgsrv_object_store* object_store,
                                    const imgsrv_ext_store_local_fd* local_fd,
                                    const imgsrv_ext_store_part_reader* part_reader, const imgsrv_database* database,
                                    const imgsrv_auth* auth, const imgsrv_ext_auth_token_issuer* token_issuer,
                                    const imgsrv_token_store* token_store, const imgsrv_publish_step* publish_step,
                                    const imgsrv_ext_auth_rules* auth_rules, const imgsrv_rule_store* rule_store,
                                    const imgsrv_ext_database_notifications* notifications,
                                    const imgsrv_ext_store_part_limits* part_limits,
                                    const imgsrv_ext_local_data* local_data);

void imgsrv_all_types(const imgsrv_plugin* plugin, const imgsrv_object_store* object_store,
                      const imgsrv_ext_store_local_fd* local_fd, const imgsrv_ext_store_part_reader* part_reader,
                      const imgsrv_database* database, const imgsrv_auth* auth,
                      const imgsrv_ext_auth_token_issuer* token_issuer, const imgsrv_token_store* token_store,
                      const imgsrv_publish_step* publish_step, const imgsrv_ext_auth_rules* auth_rules,
                      const imgsrv_rule_store* rule_store, const imgsrv_ext_database_notifications* notifications,
                      const imgsrv_ext_store_part_limits* part_limits, const imgsrv_ext_local_data* local_data) {
    (void)plugin, (void)object_store, (void)local_fd, (void)part_reader, (void)database, (void)auth;
    (void)token_issuer, (void)token_store, (void)publish_step, (void)auth_rules, (void)rule_store, (void)notifications;
    (void)part_limits, (void)local_data;
}
