/* What gitlab-runner knows in config.toml. Generated from its source by hack/gitlab-runner/config-keys;
 * hack/generate writes it anew. */
#include "runner/config_keys.h"

#include <stddef.h>

/* clang-format off */
const char config_keys_version[] = "19.4.0";

static const struct config_key logrotate_config[] = {
    {"labels", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"log_dir", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"max_backup_files", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"max_rotation_age", CONFIG_ONE, CONFIG_DURATION, NULL},
    {0},
};

static const struct config_key snowplow_config[] = {
    {"app_id", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"batch_delivery_duration_buckets", CONFIG_LIST, CONFIG_NUMBER, NULL},
    {"category", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"collector_uri", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"deployment_type", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"enable_oidc", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"metadata", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"realm", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"skip_oidc_if_unsupported_cloud", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"skip_runner_system_failure", CONFIG_ONE, CONFIG_FLAG, NULL},
    {0},
};

static const struct config_key usage_logger[] = {
    {"enabled", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"labels", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"log_dir", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"logrotate", CONFIG_ONE, CONFIG_TABLE, logrotate_config},
    {"max_backup_files", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"max_rotation_age", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"snowplow_billing", CONFIG_ONE, CONFIG_TABLE, snowplow_config},
    {"writers", CONFIG_LIST, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key experimental[] = {
    {"usage_logger", CONFIG_ONE, CONFIG_TABLE, usage_logger},
    {0},
};

static const struct config_key artifact_config[] = {
    {"response_header_timeout", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"upload_timeout", CONFIG_ONE, CONFIG_DURATION, NULL},
    {0},
};

static const struct config_key cache_azure_config[] = {
    {"AccountKey", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"AccountName", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"ContainerName", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"StorageDomain", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key cache_gcs_config[] = {
    {"AccessID", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"BucketName", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"CredentialsFile", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"PrivateKey", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"UniverseDomain", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key cache_s3_config[] = {
    {"Accelerate", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"AccessKey", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"AssumeRoleMaxConcurrency", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"AuthenticationType", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"BucketLocation", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"BucketName", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"DisableAssumeRoleCredentialsCaching", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"DualStack", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"Insecure", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"PathStyle", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"RoleARN", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"SecretKey", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"ServerAddress", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"ServerSideEncryption", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"ServerSideEncryptionKeyID", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"SessionToken", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"UploadRoleARN", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key cacheconfig[] = {
    {"MaxUploadedArchiveSize", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"Path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"RedactURL", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"Shared", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"Type", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"azure", CONFIG_ONE, CONFIG_TABLE, cache_azure_config},
    {"gcs", CONFIG_ONE, CONFIG_TABLE, cache_gcs_config},
    {"s3", CONFIG_ONE, CONFIG_TABLE, cache_s3_config},
    {0},
};

static const struct config_key custom_build_dir[] = {
    {"enabled", CONFIG_ONE, CONFIG_FLAG, NULL},
    {0},
};

static const struct config_key boot_verify[] = {
    {"acquire_max_backoff", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"acquire_min_backoff", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"enabled", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"timeout", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"verify_auth", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"verify_cache", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"verify_commands", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"verify_helper_version", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"verify_server_url", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"verify_server_url_insecure", CONFIG_ONE, CONFIG_FLAG, NULL},
    {0},
};

static const struct config_key runner_experimental[] = {
    {"boot_verify", CONFIG_ONE, CONFIG_TABLE, boot_verify},
    {0},
};

static const struct config_key feature_flags[] = {
    {"FF_CLEAN_UP_FAILED_CACHE_EXTRACT", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_CONCRETE", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_DISABLE_AUTOMATIC_TOKEN_ROTATION", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_DISABLE_POWERSHELL_STDIN", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_ENABLE_BASH_EXIT_CODE_CHECK", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_ENABLE_JOB_CLEANUP", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_ENABLE_JOB_INPUTS_INTERPOLATION", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_EXPORT_HIGH_CARDINALITY_METRICS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_GIT_URLS_WITHOUT_TOKENS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_HASH_CACHE_KEYS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_KUBERNETES_HONOR_ENTRYPOINT", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_LOG_IMAGES_CONFIGURED_FOR_JOB", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_MASK_ALL_DEFAULT_TOKENS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_NETWORK_PER_BUILD", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_POSIXLY_CORRECT_ESCAPES", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_PRINT_POD_EVENTS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_RESOLVE_FULL_TLS_CHAIN", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_SCRIPT_SECTIONS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_SCRIPT_TO_STEP_MIGRATION", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_SECRET_RESOLVING_FAILS_IF_MISSING", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_SUSPENDABLE_ENVIRONMENTS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_TEST_FEATURE", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_TIMESTAMPS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_ADAPTIVE_REQUEST_CONCURRENCY", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_ADVANCED_POD_SPEC_CONFIGURATION", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_DIRECT_DOWNLOAD", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_FASTZIP", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_FLEETING_ACQUIRE_HEARTBEATS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_GITALY_CORRELATION_ID", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_GIT_BUNDLE_URIS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_GIT_NATIVE_CLONE", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_GIT_PROACTIVE_AUTH", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_INIT_WITH_DOCKER_EXECUTOR", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_JOB_ROUTER", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_LEGACY_BASH_EVAL", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_LEGACY_GCS_CACHE_ADAPTER", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_LEGACY_S3_CACHE_ADAPTER", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_NATIVE_CONTAINER_STOP", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_PARALLEL_ARTIFACT_TRANSFER", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_PARALLEL_CACHE_TRANSFER", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_POD_ACTIVE_DEADLINE_SECONDS", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_POWERSHELL_PATH_RESOLVER", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_WINDOWS_JOB_OBJECT", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"FF_WAIT_FOR_POD_TO_BE_REACHABLE", CONFIG_ONE, CONFIG_FLAG, NULL},
    {0},
};

static const struct config_key node_selector_requirement[] = {
    {"key", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"operator", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"values", CONFIG_LIST, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key node_selector_term[] = {
    {"match_expressions", CONFIG_LIST, CONFIG_TABLE, node_selector_requirement},
    {"match_fields", CONFIG_LIST, CONFIG_TABLE, node_selector_requirement},
    {0},
};

static const struct config_key preferred_scheduling_term[] = {
    {"preference", CONFIG_ONE, CONFIG_TABLE, node_selector_term},
    {"weight", CONFIG_ONE, CONFIG_WHOLE32, NULL},
    {0},
};

static const struct config_key node_selector[] = {
    {"node_selector_terms", CONFIG_LIST, CONFIG_TABLE, node_selector_term},
    {0},
};

static const struct config_key kubernetes_node_affinity[] = {
    {"preferred_during_scheduling_ignored_during_execution", CONFIG_LIST, CONFIG_TABLE, preferred_scheduling_term},
    {"required_during_scheduling_ignored_during_execution", CONFIG_ONE, CONFIG_TABLE, node_selector},
    {0},
};

static const struct config_key label_selector[] = {
    {"match_expressions", CONFIG_LIST, CONFIG_TABLE, node_selector_requirement},
    {"match_labels", CONFIG_MAP, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key pod_affinity_term[] = {
    {"label_selector", CONFIG_ONE, CONFIG_TABLE, label_selector},
    {"match_label_keys", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"mismatch_label_keys", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"namespace_selector", CONFIG_ONE, CONFIG_TABLE, label_selector},
    {"namespaces", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"topology_key", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key weighted_pod_affinity_term[] = {
    {"pod_affinity_term", CONFIG_ONE, CONFIG_TABLE, pod_affinity_term},
    {"weight", CONFIG_ONE, CONFIG_WHOLE32, NULL},
    {0},
};

static const struct config_key kubernetes_pod_affinity[] = {
    {"preferred_during_scheduling_ignored_during_execution", CONFIG_LIST, CONFIG_TABLE, weighted_pod_affinity_term},
    {"required_during_scheduling_ignored_during_execution", CONFIG_LIST, CONFIG_TABLE, pod_affinity_term},
    {0},
};

static const struct config_key kubernetes_pod_anti_affinity[] = {
    {"preferred_during_scheduling_ignored_during_execution", CONFIG_LIST, CONFIG_TABLE, weighted_pod_affinity_term},
    {"required_during_scheduling_ignored_during_execution", CONFIG_LIST, CONFIG_TABLE, pod_affinity_term},
    {0},
};

static const struct config_key kubernetes_affinity[] = {
    {"node_affinity", CONFIG_ONE, CONFIG_TABLE, kubernetes_node_affinity},
    {"pod_affinity", CONFIG_ONE, CONFIG_TABLE, kubernetes_pod_affinity},
    {"pod_anti_affinity", CONFIG_ONE, CONFIG_TABLE, kubernetes_pod_anti_affinity},
    {0},
};

static const struct config_key autoscaler_policy_config[] = {
    {"idle_count", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"idle_time", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"periods", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"preemptive_mode", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"scale_factor", CONFIG_ONE, CONFIG_NUMBER, NULL},
    {"scale_factor_limit", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"timezone", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_autoscaler_config[] = {
    {"max_pause_pods", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"pause_pod_image", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pause_pod_image_pull_secrets", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"pause_pod_priority_class_name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"policy", CONFIG_LIST, CONFIG_TABLE, autoscaler_policy_config},
    {0},
};

static const struct config_key kubernetes_app_armor_profile[] = {
    {"localhost_profile", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"type", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_container_capabilities[] = {
    {"add", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"drop", CONFIG_LIST, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_seccomp_profile[] = {
    {"localhost_profile", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"type", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_container_security_context[] = {
    {"allow_privilege_escalation", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"app_armor_profile", CONFIG_ONE, CONFIG_TABLE, kubernetes_app_armor_profile},
    {"capabilities", CONFIG_ONE, CONFIG_TABLE, kubernetes_container_capabilities},
    {"privileged", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"proc_mount", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"read_only_root_filesystem", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"run_as_group", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"run_as_non_root", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"run_as_user", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"seccomp_profile", CONFIG_ONE, CONFIG_TABLE, kubernetes_seccomp_profile},
    {"selinux_type", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_lifecycle_exec_action[] = {
    {"command", CONFIG_LIST, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_lifecycle_http_get_header[] = {
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"value", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_lifecycle_http_get[] = {
    {"host", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"http_headers", CONFIG_LIST, CONFIG_TABLE, kubernetes_lifecycle_http_get_header},
    {"path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"port", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"scheme", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_lifecycle_tcp_socket[] = {
    {"host", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"port", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {0},
};

static const struct config_key kubernetes_lifecycle_handler[] = {
    {"exec", CONFIG_ONE, CONFIG_TABLE, kubernetes_lifecycle_exec_action},
    {"http_get", CONFIG_ONE, CONFIG_TABLE, kubernetes_lifecycle_http_get},
    {"tcp_socket", CONFIG_ONE, CONFIG_TABLE, kubernetes_lifecycle_tcp_socket},
    {0},
};

static const struct config_key kubernetes_container_lifecyle[] = {
    {"post_start", CONFIG_ONE, CONFIG_TABLE, kubernetes_lifecycle_handler},
    {"pre_stop", CONFIG_ONE, CONFIG_TABLE, kubernetes_lifecycle_handler},
    {0},
};

static const struct config_key kubernetes_dns_config_option[] = {
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"value", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_dns_config[] = {
    {"nameservers", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"options", CONFIG_LIST, CONFIG_TABLE, kubernetes_dns_config_option},
    {"searches", CONFIG_LIST, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_host_aliases[] = {
    {"hostnames", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"ip", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_pod_security_context[] = {
    {"app_armor_profile", CONFIG_ONE, CONFIG_TABLE, kubernetes_app_armor_profile},
    {"fs_group", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"run_as_group", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"run_as_non_root", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"run_as_user", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"seccomp_profile", CONFIG_ONE, CONFIG_TABLE, kubernetes_seccomp_profile},
    {"selinux_type", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"supplemental_groups", CONFIG_LIST, CONFIG_WHOLE, NULL},
    {0},
};

static const struct config_key kubernetes_pod_spec[] = {
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"patch", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"patch_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"patch_type", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key service[] = {
    {"alias", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"command", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"entrypoint", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"environment", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"suspend_data_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_config_map[] = {
    {"items", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"mount_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"read_only", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"sub_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_csi[] = {
    {"driver", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"fs_type", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"mount_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"read_only", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"sub_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"volume_attributes", CONFIG_MAP, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_empty_dir[] = {
    {"medium", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"mount_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"mount_propagation", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"size_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"sub_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_host_path[] = {
    {"host_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"mount_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"mount_propagation", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"read_only", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"sub_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_nfs[] = {
    {"mount_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"read_only", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"server", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"sub_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_pvc[] = {
    {"mount_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"mount_propagation", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"read_only", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"sub_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_secret[] = {
    {"items", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"mount_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"read_only", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"sub_path", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key kubernetes_volumes[] = {
    {"config_map", CONFIG_LIST, CONFIG_TABLE, kubernetes_config_map},
    {"csi", CONFIG_LIST, CONFIG_TABLE, kubernetes_csi},
    {"empty_dir", CONFIG_LIST, CONFIG_TABLE, kubernetes_empty_dir},
    {"host_path", CONFIG_LIST, CONFIG_TABLE, kubernetes_host_path},
    {"nfs", CONFIG_LIST, CONFIG_TABLE, kubernetes_nfs},
    {"pvc", CONFIG_LIST, CONFIG_TABLE, kubernetes_pvc},
    {"secret", CONFIG_LIST, CONFIG_TABLE, kubernetes_secret},
    {0},
};

static const struct config_key kubernetes_config[] = {
    {"affinity", CONFIG_ONE, CONFIG_TABLE, kubernetes_affinity},
    {"allow_privilege_escalation", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"allowed_groups", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"allowed_images", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"allowed_pull_policies", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"allowed_services", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"allowed_users", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"automount_service_account_token", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"autoscaler", CONFIG_ONE, CONFIG_TABLE, kubernetes_autoscaler_config},
    {"bearer_token", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"bearer_token_overwrite_allowed", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"build_container_security_context", CONFIG_ONE, CONFIG_TABLE, kubernetes_container_security_context},
    {"ca_file", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"cap_add", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"cap_drop", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"cert_file", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"cleanup_grace_period_seconds", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"cleanup_resources_timeout", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"container_lifecycle", CONFIG_ONE, CONFIG_TABLE, kubernetes_container_lifecyle},
    {"context", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"cpu_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"cpu_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"cpu_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"cpu_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"dns_config", CONFIG_ONE, CONFIG_TABLE, kubernetes_dns_config},
    {"dns_policy", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"ephemeral_storage_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"ephemeral_storage_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"ephemeral_storage_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"ephemeral_storage_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_container_security_context", CONFIG_ONE, CONFIG_TABLE, kubernetes_container_security_context},
    {"helper_cpu_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_cpu_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_cpu_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_cpu_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_ephemeral_storage_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_ephemeral_storage_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_ephemeral_storage_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_ephemeral_storage_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_image", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_image_autoset_arch_and_os", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"helper_image_flavor", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_memory_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_memory_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_memory_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"helper_memory_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"host", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"host_aliases", CONFIG_LIST, CONFIG_TABLE, kubernetes_host_aliases},
    {"image", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"image_pull_secrets", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"init_permissions_container_security_context", CONFIG_ONE, CONFIG_TABLE, kubernetes_container_security_context},
    {"key_file", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"logs_base_dir", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"memory_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"memory_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"memory_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"memory_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"namespace", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"namespace_overwrite_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"namespace_per_job", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"node_selector", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"node_selector_overwrite_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"node_tolerations", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"node_tolerations_overwrite_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_annotations", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"pod_annotations_overwrite_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_cpu_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_cpu_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_cpu_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_cpu_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_disruption_budget", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"pod_labels", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"pod_labels_overwrite_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_memory_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_memory_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_memory_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_memory_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pod_security_context", CONFIG_ONE, CONFIG_TABLE, kubernetes_pod_security_context},
    {"pod_spec", CONFIG_LIST, CONFIG_TABLE, kubernetes_pod_spec},
    {"pod_termination_grace_period_seconds", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"poll_interval", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"poll_timeout", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"print_pod_warning_events", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"priority_class_name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"privileged", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"pull_policy", CONFIG_ONE_OR_LIST, CONFIG_TEXT, NULL},
    {"resource_availability_check_max_attempts", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"retry_backoff_max", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"retry_limit", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"retry_limits", CONFIG_MAP, CONFIG_WHOLE, NULL},
    {"runtime_class_name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"scheduler_name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"scripts_base_dir", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_account", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_account_overwrite_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_container_security_context", CONFIG_ONE, CONFIG_TABLE, kubernetes_container_security_context},
    {"service_cpu_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_cpu_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_cpu_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_cpu_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_ephemeral_storage_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_ephemeral_storage_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_ephemeral_storage_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_ephemeral_storage_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_memory_limit", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_memory_limit_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_memory_request", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"service_memory_request_overwrite_max_allowed", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"services", CONFIG_LIST, CONFIG_TABLE, service},
    {"suspend_pvc_size", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"suspend_pvc_storage_class", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"use_service_account_image_pull_secrets", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"volumes", CONFIG_ONE, CONFIG_TABLE, kubernetes_volumes},
    {0},
};

static const struct config_key job_queuing_duration[] = {
    {"jobs_running_for_project", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"periods", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"threshold", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"timezone", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};

static const struct config_key monitoring[] = {
    {"job_queuing_durations", CONFIG_LIST, CONFIG_TABLE, job_queuing_duration},
    {0},
};

static const struct config_key metrics_referee_config[] = {
    {"prometheus_address", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"queries", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"query_interval", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {0},
};

static const struct config_key referees[] = {
    {"metrics", CONFIG_ONE, CONFIG_TABLE, metrics_referee_config},
    {0},
};

static const struct config_key runner_config[] = {
    {"artifact", CONFIG_ONE, CONFIG_TABLE, artifact_config},
    {"builds_dir", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"cache", CONFIG_ONE, CONFIG_TABLE, cacheconfig},
    {"cache_dir", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"clean_git_config", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"clone_url", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"custom_build_dir", CONFIG_ONE, CONFIG_TABLE, custom_build_dir},
    {"debug_trace_disabled", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"environment", CONFIG_LIST, CONFIG_TEXT, NULL},
    {"executor", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"experimental", CONFIG_ONE, CONFIG_TABLE, runner_experimental},
    {"feature_flags", CONFIG_MAP, CONFIG_FLAG, feature_flags},
    {"get_sources_timeout", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"id", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"job_status_final_update_retry_limit", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"kubernetes", CONFIG_ONE, CONFIG_TABLE, kubernetes_config},
    {"labels", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"limit", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"monitoring", CONFIG_ONE, CONFIG_TABLE, monitoring},
    {"name", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"output_limit", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"post_build_script", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"post_get_sources_script", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pre_build_script", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"pre_get_sources_script", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"prepare_timeout", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"proxy_exec", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"referees", CONFIG_ONE, CONFIG_TABLE, referees},
    {"request_concurrency", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"safe_directory_checkout", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"shell", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"slot_cgroup_template", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"step_runner_image", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"strict_check_interval", CONFIG_ONE, CONFIG_FLAG, NULL},
    {"tls-ca-file", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"tls-cert-file", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"tls-key-file", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"token", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"token_expires_at", CONFIG_ONE, CONFIG_ANY, NULL},
    {"token_obtained_at", CONFIG_ONE, CONFIG_ANY, NULL},
    {"unhealthy_interval", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"unhealthy_requests_limit", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"url", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"use_slot_cgroups", CONFIG_ONE, CONFIG_FLAG, NULL},
    {0},
};

static const struct config_key session_server[] = {
    {"advertise_address", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"listen_address", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"session_timeout", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {0},
};

const struct config_key config_keys[] = {
    {"check_interval", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"concurrent", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"connection_max_age", CONFIG_ONE, CONFIG_DURATION, NULL},
    {"experimental", CONFIG_ONE, CONFIG_TABLE, experimental},
    {"labels", CONFIG_MAP, CONFIG_TEXT, NULL},
    {"listen_address", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"log_field_dual_emit_target", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"log_field_schema_version", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"log_format", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"log_level", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"runners", CONFIG_ONE, CONFIG_TABLE, runner_config},
    {"sentry_dsn", CONFIG_ONE, CONFIG_TEXT, NULL},
    {"session_server", CONFIG_ONE, CONFIG_TABLE, session_server},
    {"shutdown_timeout", CONFIG_ONE, CONFIG_WHOLE, NULL},
    {"user", CONFIG_ONE, CONFIG_TEXT, NULL},
    {0},
};
/* clang-format on */
