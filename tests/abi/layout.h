// The offset of every member of version 1 on the machines it is defined for (rule G8), and every constant's value. A
// later minor adds lines, and changes the SIZE of a struct that has grown (rule G3); nothing else here ever changes.
// Compiled as C and as C++.
#include <imgsrv/abi.h>
#include <imgsrv/auth.h>
#include <imgsrv/database.h>
#include <imgsrv/local_data.h>
#include <imgsrv/object_store.h>
#include <imgsrv/publish_step.h>

#ifdef __cplusplus
#define ASSERT static_assert
#else
#define ASSERT _Static_assert
#endif
#define SIZE(type, bytes) ASSERT(sizeof(type) == (bytes), #type " has another size")
#define AT(type, member, offset) ASSERT(offsetof(type, member) == (offset), #type "." #member " stands elsewhere")
#define VALUE(name, value) ASSERT(name == (value), #name " has another value")

SIZE(imgsrv_str, 16);
AT(imgsrv_str, ptr, 0);
AT(imgsrv_str, len, 8);

SIZE(imgsrv_error, 512);
AT(imgsrv_error, flags, 0);
AT(imgsrv_error, retry_after_ms, 4);
AT(imgsrv_error, db_class, 8);
AT(imgsrv_error, reserved, 12);
AT(imgsrv_error, native, 16);
AT(imgsrv_error, message, 48);

SIZE(imgsrv_call, 56);
AT(imgsrv_call, struct_size, 0);
AT(imgsrv_call, flags, 4);
AT(imgsrv_call, deadline_ns, 8);
AT(imgsrv_call, request_id, 16);
AT(imgsrv_call, ctx, 32);
AT(imgsrv_call, cancelled, 40);
AT(imgsrv_call, cancel_fd, 48);

SIZE(imgsrv_reader, 48);
AT(imgsrv_reader, struct_size, 0);
AT(imgsrv_reader, flags, 4);
AT(imgsrv_reader, size, 8);
AT(imgsrv_reader, ctx, 16);
AT(imgsrv_reader, read, 24);
AT(imgsrv_reader, rewind, 32);
AT(imgsrv_reader, close, 40);

SIZE(imgsrv_str_sink, 16);
AT(imgsrv_str_sink, ctx, 0);
AT(imgsrv_str_sink, set, 8);

SIZE(imgsrv_byte_sink, 16);
AT(imgsrv_byte_sink, ctx, 0);
AT(imgsrv_byte_sink, write, 8);

SIZE(imgsrv_option, 40);
AT(imgsrv_option, struct_size, 0);
AT(imgsrv_option, type, 4);
AT(imgsrv_option, flags, 8);
AT(imgsrv_option, reserved, 12);
AT(imgsrv_option, key, 16);
AT(imgsrv_option, default_text, 24);
AT(imgsrv_option, help, 32);

SIZE(imgsrv_config, 56);
AT(imgsrv_config, struct_size, 0);
AT(imgsrv_config, reserved, 4);
AT(imgsrv_config, ctx, 8);
AT(imgsrv_config, get_str, 16);
AT(imgsrv_config, get_int, 24);
AT(imgsrv_config, get_bool, 32);
AT(imgsrv_config, get_str_at, 40);
AT(imgsrv_config, as_json, 48);

SIZE(imgsrv_kv, 32);
AT(imgsrv_kv, key, 0);
AT(imgsrv_kv, value, 16);

SIZE(imgsrv_host, 56);
AT(imgsrv_host, struct_size, 0);
AT(imgsrv_host, abi_major, 4);
AT(imgsrv_host, abi_minor, 6);
AT(imgsrv_host, version, 8);
AT(imgsrv_host, ctx, 16);
AT(imgsrv_host, log_enabled, 24);
AT(imgsrv_host, log, 32);
AT(imgsrv_host, metric, 40);
AT(imgsrv_host, service, 48);

SIZE(imgsrv_component, 72);
AT(imgsrv_component, struct_size, 0);
AT(imgsrv_component, kind, 4);
AT(imgsrv_component, flags, 8);
AT(imgsrv_component, reserved, 12);
AT(imgsrv_component, name, 16);
AT(imgsrv_component, options, 24);
AT(imgsrv_component, vtable, 32);
AT(imgsrv_component, create, 40);
AT(imgsrv_component, destroy, 48);
AT(imgsrv_component, health, 56);
AT(imgsrv_component, extension, 64);

SIZE(imgsrv_plugin, 56);
AT(imgsrv_plugin, magic, 0);
AT(imgsrv_plugin, struct_size, 4);
AT(imgsrv_plugin, abi_major, 8);
AT(imgsrv_plugin, abi_minor, 10);
AT(imgsrv_plugin, host_minor_min, 12);
AT(imgsrv_plugin, reserved, 14);
AT(imgsrv_plugin, id, 16);
AT(imgsrv_plugin, version, 24);
AT(imgsrv_plugin, vendor, 32);
AT(imgsrv_plugin, license, 40);
AT(imgsrv_plugin, components, 48);

SIZE(imgsrv_credential, 56);
AT(imgsrv_credential, struct_size, 0);
AT(imgsrv_credential, reserved, 4);
AT(imgsrv_credential, scheme, 8);
AT(imgsrv_credential, secret, 24);
AT(imgsrv_credential, peer, 40);

SIZE(imgsrv_principal, 80);
AT(imgsrv_principal, struct_size, 0);
AT(imgsrv_principal, reserved, 4);
AT(imgsrv_principal, subject, 8);
AT(imgsrv_principal, issuer, 24);
AT(imgsrv_principal, display, 40);
AT(imgsrv_principal, expires_us, 56);
AT(imgsrv_principal, claims, 64);
AT(imgsrv_principal, n_claims, 72);

SIZE(imgsrv_principal_sink, 16);
AT(imgsrv_principal_sink, ctx, 0);
AT(imgsrv_principal_sink, set, 8);

SIZE(imgsrv_auth, 24);
AT(imgsrv_auth, struct_size, 0);
AT(imgsrv_auth, tick_interval_ms, 4);
AT(imgsrv_auth, authenticate, 8);
AT(imgsrv_auth, tick, 16);

SIZE(imgsrv_ext_auth_token_issuer, 16);
AT(imgsrv_ext_auth_token_issuer, struct_size, 0);
AT(imgsrv_ext_auth_token_issuer, reserved, 4);
AT(imgsrv_ext_auth_token_issuer, issue, 8);

SIZE(imgsrv_token_record, 80);
AT(imgsrv_token_record, struct_size, 0);
AT(imgsrv_token_record, reserved, 4);
AT(imgsrv_token_record, token_id, 8);
AT(imgsrv_token_record, verifier, 24);
AT(imgsrv_token_record, principal_id, 40);
AT(imgsrv_token_record, display, 56);
AT(imgsrv_token_record, expires_us, 72);

SIZE(imgsrv_token_sink, 16);
AT(imgsrv_token_sink, ctx, 0);
AT(imgsrv_token_sink, set, 8);

SIZE(imgsrv_token_store, 32);
AT(imgsrv_token_store, struct_size, 0);
AT(imgsrv_token_store, reserved, 4);
AT(imgsrv_token_store, ctx, 8);
AT(imgsrv_token_store, find, 16);
AT(imgsrv_token_store, used, 24);

SIZE(imgsrv_auth_rule, 88);
AT(imgsrv_auth_rule, struct_size, 0);
AT(imgsrv_auth_rule, reserved, 4);
AT(imgsrv_auth_rule, id, 8);
AT(imgsrv_auth_rule, issuer, 24);
AT(imgsrv_auth_rule, audience, 40);
AT(imgsrv_auth_rule, claims, 56);
AT(imgsrv_auth_rule, n_claims, 64);
AT(imgsrv_auth_rule, condition, 72);

SIZE(imgsrv_auth_rule_sink, 16);
AT(imgsrv_auth_rule_sink, ctx, 0);
AT(imgsrv_auth_rule_sink, add, 8);

SIZE(imgsrv_ext_auth_rules, 24);
AT(imgsrv_ext_auth_rules, struct_size, 0);
AT(imgsrv_ext_auth_rules, reserved, 4);
AT(imgsrv_ext_auth_rules, check, 8);
AT(imgsrv_ext_auth_rules, holds, 16);

SIZE(imgsrv_rule_store, 32);
AT(imgsrv_rule_store, struct_size, 0);
AT(imgsrv_rule_store, reserved, 4);
AT(imgsrv_rule_store, ctx, 8);
AT(imgsrv_rule_store, generation, 16);
AT(imgsrv_rule_store, list, 24);

SIZE(imgsrv_value, 24);
AT(imgsrv_value, type, 0);
AT(imgsrv_value, reserved, 4);
AT(imgsrv_value, u, 8);

SIZE(imgsrv_database, 144);
AT(imgsrv_database, struct_size, 0);
AT(imgsrv_database, reserved, 4);
AT(imgsrv_database, dialect, 8);
AT(imgsrv_database, features, 16);
AT(imgsrv_database, connect, 24);
AT(imgsrv_database, disconnect, 32);
AT(imgsrv_database, reset, 40);
AT(imgsrv_database, begin, 48);
AT(imgsrv_database, commit, 56);
AT(imgsrv_database, rollback, 64);
AT(imgsrv_database, script, 72);
AT(imgsrv_database, query, 80);
AT(imgsrv_database, row_next, 88);
AT(imgsrv_database, row_width, 96);
AT(imgsrv_database, row_get, 104);
AT(imgsrv_database, rows_close, 112);
AT(imgsrv_database, migration_lock, 120);
AT(imgsrv_database, migration_unlock, 128);
AT(imgsrv_database, interrupt, 136);

SIZE(imgsrv_object_info, 56);
AT(imgsrv_object_info, struct_size, 0);
AT(imgsrv_object_info, reserved, 4);
AT(imgsrv_object_info, key, 8);
AT(imgsrv_object_info, etag, 24);
AT(imgsrv_object_info, size, 40);
AT(imgsrv_object_info, mtime_us, 48);

SIZE(imgsrv_object_sink, 16);
AT(imgsrv_object_sink, ctx, 0);
AT(imgsrv_object_sink, emit, 8);

SIZE(imgsrv_upload_info, 48);
AT(imgsrv_upload_info, struct_size, 0);
AT(imgsrv_upload_info, reserved, 4);
AT(imgsrv_upload_info, key, 8);
AT(imgsrv_upload_info, upload_id, 24);
AT(imgsrv_upload_info, created_us, 40);

SIZE(imgsrv_upload_sink, 16);
AT(imgsrv_upload_sink, ctx, 0);
AT(imgsrv_upload_sink, emit, 8);

SIZE(imgsrv_upload_hints, 16);
AT(imgsrv_upload_hints, struct_size, 0);
AT(imgsrv_upload_hints, reserved, 4);
AT(imgsrv_upload_hints, expected_size, 8);

SIZE(imgsrv_part, 32);
AT(imgsrv_part, number, 0);
AT(imgsrv_part, reserved, 4);
AT(imgsrv_part, size, 8);
AT(imgsrv_part, etag, 16);

SIZE(imgsrv_object_store, 104);
AT(imgsrv_object_store, struct_size, 0);
AT(imgsrv_object_store, reserved, 4);
AT(imgsrv_object_store, caps, 8);
AT(imgsrv_object_store, stat, 16);
AT(imgsrv_object_store, open, 24);
AT(imgsrv_object_store, put, 32);
AT(imgsrv_object_store, copy, 40);
AT(imgsrv_object_store, remove, 48);
AT(imgsrv_object_store, list, 56);
AT(imgsrv_object_store, mp_create, 64);
AT(imgsrv_object_store, mp_put_part, 72);
AT(imgsrv_object_store, mp_complete, 80);
AT(imgsrv_object_store, mp_abort, 88);
AT(imgsrv_object_store, mp_list, 96);

SIZE(imgsrv_ext_store_local_fd, 16);
AT(imgsrv_ext_store_local_fd, struct_size, 0);
AT(imgsrv_ext_store_local_fd, reserved, 4);
AT(imgsrv_ext_store_local_fd, open_fd, 8);

SIZE(imgsrv_ext_database_notifications, 24);
AT(imgsrv_ext_database_notifications, struct_size, 0);
AT(imgsrv_ext_database_notifications, reserved, 4);
AT(imgsrv_ext_database_notifications, listen, 8);
AT(imgsrv_ext_database_notifications, next_notification, 16);

SIZE(imgsrv_ext_store_part_reader, 16);
AT(imgsrv_ext_store_part_reader, struct_size, 0);
AT(imgsrv_ext_store_part_reader, reserved, 4);
AT(imgsrv_ext_store_part_reader, open_part, 8);

SIZE(imgsrv_ext_store_part_limits, 16);
AT(imgsrv_ext_store_part_limits, struct_size, 0);
AT(imgsrv_ext_store_part_limits, reserved, 4);
AT(imgsrv_ext_store_part_limits, least_size, 8);

SIZE(imgsrv_ext_local_data, 40);
AT(imgsrv_ext_local_data, struct_size, 0);
AT(imgsrv_ext_local_data, flags, 4);
AT(imgsrv_ext_local_data, place_option, 8);
AT(imgsrv_ext_local_data, default_name, 16);
AT(imgsrv_ext_local_data, read_only_option, 24);
AT(imgsrv_ext_local_data, companions, 32);

SIZE(imgsrv_attachment, 80);
AT(imgsrv_attachment, struct_size, 0);
AT(imgsrv_attachment, reserved, 4);
AT(imgsrv_attachment, id, 8);
AT(imgsrv_attachment, name, 24);
AT(imgsrv_attachment, media_type, 40);
AT(imgsrv_attachment, digest, 56);
AT(imgsrv_attachment, size, 72);

SIZE(imgsrv_artifact, 136);
AT(imgsrv_artifact, struct_size, 0);
AT(imgsrv_artifact, reserved, 4);
AT(imgsrv_artifact, id, 8);
AT(imgsrv_artifact, os, 24);
AT(imgsrv_artifact, architecture, 40);
AT(imgsrv_artifact, variant, 56);
AT(imgsrv_artifact, format, 72);
AT(imgsrv_artifact, media_type, 88);
AT(imgsrv_artifact, digest, 104);
AT(imgsrv_artifact, size, 120);
AT(imgsrv_artifact, attachments, 128);

SIZE(imgsrv_step_run, 112);
AT(imgsrv_step_run, struct_size, 0);
AT(imgsrv_step_run, attempt, 4);
AT(imgsrv_step_run, ctx, 8);
AT(imgsrv_step_run, version_id, 16);
AT(imgsrv_step_run, image, 32);
AT(imgsrv_step_run, version, 48);
AT(imgsrv_step_run, artifacts, 64);
AT(imgsrv_step_run, open_blob, 72);
AT(imgsrv_step_run, blob_size, 80);
AT(imgsrv_step_run, progress, 88);
AT(imgsrv_step_run, put_row, 96);
AT(imgsrv_step_run, request_published, 104);

SIZE(imgsrv_row, 112);
AT(imgsrv_row, struct_size, 0);
AT(imgsrv_row, reserved, 4);
AT(imgsrv_row, image, 8);
AT(imgsrv_row, display_name, 24);
AT(imgsrv_row, version, 40);
AT(imgsrv_row, version_id, 56);
AT(imgsrv_row, key, 72);
AT(imgsrv_row, json, 88);
AT(imgsrv_row, published_us, 104);

SIZE(imgsrv_render_view, 32);
AT(imgsrv_render_view, struct_size, 0);
AT(imgsrv_render_view, reserved, 4);
AT(imgsrv_render_view, ctx, 8);
AT(imgsrv_render_view, next_row, 16);
AT(imgsrv_render_view, alias_at, 24);

SIZE(imgsrv_document, 24);
AT(imgsrv_document, struct_size, 0);
AT(imgsrv_document, reserved, 4);
AT(imgsrv_document, path, 8);
AT(imgsrv_document, content_type, 16);

SIZE(imgsrv_publish_step, 32);
AT(imgsrv_publish_step, struct_size, 0);
AT(imgsrv_publish_step, row_schema, 4);
AT(imgsrv_publish_step, documents, 8);
AT(imgsrv_publish_step, run, 16);
AT(imgsrv_publish_step, render, 24);

VALUE(IMGSRV_OK, 0);
VALUE(IMGSRV_CANCELLED, 1);
VALUE(IMGSRV_INVALID_ARGUMENT, 3);
VALUE(IMGSRV_DEADLINE, 4);
VALUE(IMGSRV_NOT_FOUND, 5);
VALUE(IMGSRV_ALREADY_EXISTS, 6);
VALUE(IMGSRV_PERMISSION_DENIED, 7);
VALUE(IMGSRV_RESOURCE_EXHAUSTED, 8);
VALUE(IMGSRV_FAILED_PRECONDITION, 9);
VALUE(IMGSRV_ABORTED, 10);
VALUE(IMGSRV_OUT_OF_RANGE, 11);
VALUE(IMGSRV_UNIMPLEMENTED, 12);
VALUE(IMGSRV_INTERNAL, 13);
VALUE(IMGSRV_UNAVAILABLE, 14);
VALUE(IMGSRV_DATA_LOSS, 15);
VALUE(IMGSRV_UNAUTHENTICATED, 16);
VALUE(IMGSRV_OPT_STRING, 1);
VALUE(IMGSRV_OPT_INT, 2);
VALUE(IMGSRV_OPT_BOOL, 3);
VALUE(IMGSRV_OPT_DURATION_MS, 4);
VALUE(IMGSRV_OPT_SIZE, 5);
VALUE(IMGSRV_OPT_STRING_LIST, 6);
VALUE(IMGSRV_LOG_DEBUG, 10);
VALUE(IMGSRV_LOG_INFO, 20);
VALUE(IMGSRV_LOG_WARN, 30);
VALUE(IMGSRV_LOG_ERROR, 40);
VALUE(IMGSRV_METRIC_COUNTER, 1);
VALUE(IMGSRV_METRIC_GAUGE, 2);
VALUE(IMGSRV_METRIC_HISTOGRAM, 3);
VALUE(IMGSRV_KIND_OBJECT_STORE, 1);
VALUE(IMGSRV_KIND_DATABASE, 2);
VALUE(IMGSRV_KIND_AUTH, 3);
VALUE(IMGSRV_KIND_PUBLISH_STEP, 4);
VALUE(IMGSRV_ABI_MAJOR, 1);
VALUE(IMGSRV_LOCAL_DATA_FOLDER, 1);
VALUE(IMGSRV_LOCAL_DATA_ONE_PROCESS, 2);
VALUE(IMGSRV_LOCAL_DATA_SNAPSHOT, 4);
VALUE(IMGSRV_PLUGIN_MAGIC, 1448234313);
VALUE(IMGSRV_ERR_RETRYABLE, 1);
VALUE(IMGSRV_ERR_OUTCOME_UNKNOWN, 2);
VALUE(IMGSRV_OPT_REQUIRED, 1);
VALUE(IMGSRV_OPT_SECRET, 2);
VALUE(IMGSRV_COMPONENT_SERIALIZED, 1);
VALUE(IMGSRV_COMPONENT_FINALIZER, 2);
VALUE(IMGSRV_AUTH_NOT_MINE, 0);
VALUE(IMGSRV_AUTH_ACCEPTED, 1);
VALUE(IMGSRV_AUTH_REJECTED, 2);
VALUE(IMGSRV_DB_UNIQUE, 1);
VALUE(IMGSRV_DB_FOREIGN_KEY, 2);
VALUE(IMGSRV_DB_CHECK, 3);
VALUE(IMGSRV_DB_NOT_NULL, 4);
VALUE(IMGSRV_DB_SERIALIZATION, 5);
VALUE(IMGSRV_DB_DEADLOCK, 6);
VALUE(IMGSRV_DB_BUSY, 7);
VALUE(IMGSRV_DB_CONNECTION, 8);
VALUE(IMGSRV_DB_READ_ONLY, 9);
VALUE(IMGSRV_DB_SYNTAX, 10);
VALUE(IMGSRV_VAL_NULL, 0);
VALUE(IMGSRV_VAL_INT, 1);
VALUE(IMGSRV_VAL_DOUBLE, 2);
VALUE(IMGSRV_VAL_BOOL, 3);
VALUE(IMGSRV_VAL_TEXT, 4);
VALUE(IMGSRV_VAL_BLOB, 5);
VALUE(IMGSRV_TX_READ, 0);
VALUE(IMGSRV_TX_WRITE, 1);
VALUE(IMGSRV_DB_FEATURE_SKIP_LOCKED, 1);
VALUE(IMGSRV_DB_FEATURE_CONCURRENT_WRITERS, 2);
VALUE(IMGSRV_STORE_CAP_COPY_IF_ABSENT, 1);
VALUE(IMGSRV_STORE_CAP_PUT_IF_ABSENT, 2);
VALUE(IMGSRV_STORE_CAP_UNIQUE_PART_ETAGS, 4);
VALUE(IMGSRV_IF_ABSENT, 1);
