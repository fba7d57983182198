/* What the CRD says of the shape of an object. Generated from crds/gitlabrunners.yaml by hack/crd_shape.py;
 * hack/generate writes it anew. */
#include "runner/shape.h"

/* clang-format off */
#define SHAPE(type_, ...) &(const struct shape){.type = SHAPE_##type_, __VA_ARGS__}
#define MEMBERS(...)      (const struct shape_member[]){__VA_ARGS__, {0}}
#define RULES(...)        (const struct shape_rule[]){__VA_ARGS__, {0}}
#define KEYS(...)         (const char *const[]){__VA_ARGS__, NULL}

static const struct shape crd_registration_token_secret_ref = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 253), "the name of a Secret"},
    {"key", SHAPE(TEXT, .defaulted = true, .least = 1, .most = 253), NULL})};

static const struct shape crd_authentication = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"registrationTokenSecretRef", &crd_registration_token_secret_ref, NULL},
    {"accessTokenSecretRef", &crd_registration_token_secret_ref, NULL},
    {"runnerTokenSecretRef", &crd_registration_token_secret_ref, NULL},
    {"adoptRunnerId", SHAPE(WHOLE, .min = 1, .max = 9007199254740992), NULL})};

static const struct shape crd_scope = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"type", SHAPE(TEXT, .words = "Instance, Group, Project"), ""},
    {"groupId", SHAPE(WHOLE, .min = 1, .max = INT64_MAX), NULL},
    {"projectId", SHAPE(WHOLE, .min = 1, .max = INT64_MAX), NULL})};

static const struct shape crd_ca_config_map_ref = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 253), "the name of a ConfigMap"},
    {"key", SHAPE(TEXT, .defaulted = true, .least = 1, .most = 253), NULL})};

static const struct shape crd_client_certificate_secret_ref = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 253), "the name of a Secret"})};

static const struct shape crd_tolerations = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"key", SHAPE(TEXT, .defaulted = true, .most = 317, .rules = RULES({RULE_LACKS, "=", "must have no '=': a taint's key and value are two fields"})), NULL},
    {"operator", SHAPE(TEXT, .defaulted = true, .words = "Equal, Exists"), NULL},
    {"value", SHAPE(TEXT, .defaulted = true, .most = 63, .rules = RULES({RULE_LACKS, "=", "must have no '=': a taint's key and value are two fields"})), NULL},
    {"effect", SHAPE(TEXT, .words = ", NoSchedule, PreferNoSchedule, NoExecute"), NULL})};

static const struct shape crd_match_expressions = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"key", SHAPE(TEXT, .least = 1, .most = 317), "the name of the label"},
    {"operator", SHAPE(TEXT, .words = "In, NotIn, Exists, DoesNotExist, Gt, Lt"), ""},
    {"values", SHAPE(LIST, .most = 64, .each = SHAPE(TEXT, .most = 253)), NULL})};

static const struct shape crd_match_fields = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"key", SHAPE(TEXT, .least = 1, .most = 317), "the name of the field, metadata.name"},
    {"operator", SHAPE(TEXT, .words = "In, NotIn, Exists, DoesNotExist, Gt, Lt"), ""},
    {"values", SHAPE(LIST, .most = 64, .each = SHAPE(TEXT, .most = 253)), NULL})};

static const struct shape crd_node_selector_terms = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"matchExpressions", SHAPE(LIST, .most = 16, .each = &crd_match_expressions), NULL},
    {"matchFields", SHAPE(LIST, .most = 16, .each = &crd_match_fields), NULL})};

static const struct shape crd_required_during_scheduling_ignored_during_execution = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"nodeSelectorTerms", SHAPE(LIST, .least = 1, .most = 16, .each = &crd_node_selector_terms), ""})};

static const struct shape crd_preferred_during_scheduling_ignored_during_execution = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"weight", SHAPE(WHOLE, .min = 1, .max = 100), ""},
    {"preference", &crd_node_selector_terms, ""})};

static const struct shape crd_node_affinity = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"requiredDuringSchedulingIgnoredDuringExecution", &crd_required_during_scheduling_ignored_during_execution, NULL},
    {"preferredDuringSchedulingIgnoredDuringExecution", SHAPE(LIST, .most = 16, .each = &crd_preferred_during_scheduling_ignored_during_execution), NULL})};

static const struct shape crd_label_selector_match_expressions = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"key", SHAPE(TEXT, .least = 1, .most = 317), "the name of the label"},
    {"operator", SHAPE(TEXT, .words = "In, NotIn, Exists, DoesNotExist"), ""},
    {"values", SHAPE(LIST, .most = 64, .each = SHAPE(TEXT, .most = 253)), NULL})};

static const struct shape crd_label_selector = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"matchLabels", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 63)), NULL},
    {"matchExpressions", SHAPE(LIST, .most = 16, .each = &crd_label_selector_match_expressions), NULL})};

static const struct shape crd_pod_affinity_required_during_scheduling_ignored_during_execution = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"topologyKey", SHAPE(TEXT, .least = 1, .most = 317), "the label of nodes by whose value near and far are told, such as kubernetes.io/hostname"},
    {"labelSelector", &crd_label_selector, NULL},
    {"namespaces", SHAPE(LIST, .most = 64, .each = SHAPE(TEXT, .least = 1, .most = 317)), NULL},
    {"namespaceSelector", &crd_label_selector, NULL},
    {"matchLabelKeys", SHAPE(LIST, .most = 64, .each = SHAPE(TEXT, .least = 1, .most = 317)), NULL},
    {"mismatchLabelKeys", SHAPE(LIST, .most = 64, .each = SHAPE(TEXT, .least = 1, .most = 317)), NULL})};

static const struct shape crd_pod_affinity_preferred_during_scheduling_ignored_during_execution = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"weight", SHAPE(WHOLE, .min = 1, .max = 100), ""},
    {"podAffinityTerm", &crd_pod_affinity_required_during_scheduling_ignored_during_execution, ""})};

static const struct shape crd_pod_affinity = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"requiredDuringSchedulingIgnoredDuringExecution", SHAPE(LIST, .most = 16, .each = &crd_pod_affinity_required_during_scheduling_ignored_during_execution), NULL},
    {"preferredDuringSchedulingIgnoredDuringExecution", SHAPE(LIST, .most = 16, .each = &crd_pod_affinity_preferred_during_scheduling_ignored_during_execution), NULL})};

static const struct shape crd_affinity = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"nodeAffinity", &crd_node_affinity, NULL},
    {"podAffinity", &crd_pod_affinity, NULL},
    {"podAntiAffinity", &crd_pod_affinity, NULL})};

static const struct shape crd_s3 = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"serverAddress", SHAPE(TEXT, .most = 255, .rules = RULES({RULE_PATTERN, "^[A-Za-z0-9._-]+(:[0-9]{1,5})?$", "must be a host, and if need be a colon and a port; without https://"})), NULL},
    {"bucketName", SHAPE(TEXT, .least = 1, .most = 255), "the name of the bucket"},
    {"bucketLocation", SHAPE(TEXT, .least = 1, .most = 255), NULL},
    {"insecure", SHAPE(FLAG), NULL},
    {"roleARN", SHAPE(TEXT, .least = 1, .most = 2048), NULL},
    {"uploadRoleARN", SHAPE(TEXT, .least = 1, .most = 2048), NULL},
    {"assumeRoleMaxConcurrency", SHAPE(WHOLE, .min = -1, .max = 2147483647), NULL},
    {"disableAssumeRoleCredentialsCaching", SHAPE(FLAG), NULL},
    {"serverSideEncryption", SHAPE(TEXT, .words = "S3, AES256, KMS, aws:kms, DSSE-KMS, aws:kms:dsse"), NULL},
    {"serverSideEncryptionKeyID", SHAPE(TEXT, .least = 1, .most = 2048), NULL},
    {"dualStack", SHAPE(FLAG), NULL},
    {"pathStyle", SHAPE(FLAG), NULL},
    {"accelerate", SHAPE(FLAG), NULL},
    {"authenticationType", SHAPE(TEXT, .words = "access-key, iam"), NULL},
    {"credentialsSecretRef", &crd_client_certificate_secret_ref, NULL})};

static const struct shape crd_gcs = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"bucketName", SHAPE(TEXT, .least = 1, .most = 255), "the name of the bucket"},
    {"universeDomain", SHAPE(TEXT, .least = 1, .most = 253), NULL},
    {"credentialsSecretRef", &crd_client_certificate_secret_ref, NULL})};

static const struct shape crd_azure = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"containerName", SHAPE(TEXT, .least = 1, .most = 255), "the name of the container"},
    {"storageDomain", SHAPE(TEXT, .least = 1, .most = 253), NULL},
    {"accountName", SHAPE(TEXT, .least = 1, .most = 255), NULL},
    {"credentialsSecretRef", &crd_client_certificate_secret_ref, NULL})};

static const struct shape crd_cache = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"type", SHAPE(TEXT, .words = "s3, gcs, azure"), "the kind of storage, in GitLab's words"},
    {"path", SHAPE(TEXT, .most = 1024), NULL},
    {"shared", SHAPE(FLAG), NULL},
    {"maxUploadedArchiveSize", SHAPE(WHOLE, .min = 0, .max = INT64_MAX), NULL},
    {"redactURL", SHAPE(FLAG), NULL},
    {"s3", &crd_s3, NULL},
    {"gcs", &crd_gcs, NULL},
    {"azure", &crd_azure, NULL})};

static const struct shape crd_proxy = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"httpProxy", SHAPE(TEXT, .most = 1024, .rules = RULES({RULE_LACKS, "@", "must have neither user nor password, which everybody could read here: set the proxy's variables from a Secret by manager.envFrom, and for the jobs by GitLab's CI/CD variables"}, {RULE_PATTERN, "^(https?|socks5)://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$", "must be http://, https:// or socks5://, a host and a port"})), NULL},
    {"httpsProxy", SHAPE(TEXT, .most = 1024, .rules = RULES({RULE_LACKS, "@", "must have neither user nor password, which everybody could read here: set the proxy's variables from a Secret by manager.envFrom, and for the jobs by GitLab's CI/CD variables"}, {RULE_PATTERN, "^(https?|socks5)://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$", "must be http://, https:// or socks5://, a host and a port"})), NULL},
    {"noProxy", SHAPE(LIST, .most = 64, .unique = true, .each = SHAPE(TEXT, .most = 253, .rules = RULES({RULE_PATTERN, "^[A-Za-z0-9._:/*-]+$", "must be a host, a domain (.example.com), an address or a range (10.0.0.0/8), one an item"}))), NULL})};

static const struct shape crd_host_aliases = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"ip", SHAPE(TEXT, .most = 45, .rules = RULES({RULE_ADDRESS, "", "must be an IPv4 or IPv6 address"})), "an IPv4 or IPv6 address"},
    {"hostnames", SHAPE(LIST, .least = 1, .most = 64, .each = SHAPE(TEXT, .most = 253, .rules = RULES({RULE_LACKS, " ", "must be the name of a host: letters, digits, dashes and dots"}, {RULE_LACKS, "/", "must be the name of a host: letters, digits, dashes and dots"}))), "the names of that address"})};

static const struct shape crd_host_path = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"path", SHAPE(TEXT, .least = 1, .most = 1024), "the path on the node"})};

static const struct shape crd_persistent_volume_claim = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"claimName", SHAPE(TEXT, .least = 1, .most = 253), "the claim's name"},
    {"readOnly", SHAPE(FLAG), NULL})};

static const struct shape crd_items = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"key", SHAPE(TEXT, .least = 1, .most = 253), "the key"},
    {"path", SHAPE(TEXT, .least = 1, .most = 1024), "the file's path within the volume"})};

static const struct shape crd_config_map = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"name", SHAPE(TEXT, .most = 63, .rules = RULES({RULE_PATTERN, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "must have at most 63 lower-case letters, digits and dashes, and begin and end with a letter or digit"})), "the ConfigMap's name, which gitlab-runner also takes as the volume's; so without a dot"},
    {"items", SHAPE(LIST, .most = 64, .unique = true, .keys = KEYS("key"), .each = &crd_items), NULL})};

static const struct shape crd_secret = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"secretName", SHAPE(TEXT, .most = 63, .rules = RULES({RULE_PATTERN, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "must have at most 63 lower-case letters, digits and dashes, and begin and end with a letter or digit"})), "the Secret's name, which gitlab-runner also takes as the volume's; so without a dot"},
    {"items", SHAPE(LIST, .most = 64, .unique = true, .keys = KEYS("key"), .each = &crd_items), NULL})};

static const struct shape crd_empty_dir = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"medium", SHAPE(TEXT, .words = ", Memory"), NULL},
    {"sizeLimit", SHAPE(WHOLE_OR_TEXT, .most = 32, .rules = RULES({RULE_QUANTITY, "", "must be a quantity such as 500m or 2Gi"})), NULL})};

static const struct shape crd_csi = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"driver", SHAPE(TEXT, .least = 1, .most = 63), "the driver's name"},
    {"fsType", SHAPE(TEXT, .most = 63), NULL},
    {"readOnly", SHAPE(FLAG), NULL},
    {"volumeAttributes", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 1024)), NULL})};

static const struct shape crd_nfs = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"server", SHAPE(TEXT, .least = 1, .most = 253), "the server's name or address"},
    {"path", SHAPE(TEXT, .most = 1024, .rules = RULES({RULE_BEGINS, "/", "must be a path that begins with /"})), "the path that it exports"},
    {"readOnly", SHAPE(FLAG), NULL})};

static const struct shape crd_volumes = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"name", SHAPE(TEXT, .most = 63, .rules = RULES({RULE_PATTERN, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "must have at most 63 lower-case letters, digits and dashes, and begin and end with a letter or digit"})), "the entry's name"},
    {"mountPath", SHAPE(TEXT, .most = 1024, .rules = RULES({RULE_PATTERN, "^(/[^:]*|[A-Za-z]:([\\/].*)?|\\\\.*)$", "must be a path that begins with / and has no colon, or one of Windows, such as C:\\cache"})), ""},
    {"subPath", SHAPE(TEXT, .most = 1024), NULL},
    {"readOnly", SHAPE(FLAG), NULL},
    {"mountPropagation", SHAPE(TEXT, .words = "None, HostToContainer, Bidirectional"), NULL},
    {"hostPath", &crd_host_path, NULL},
    {"persistentVolumeClaim", &crd_persistent_volume_claim, NULL},
    {"configMap", &crd_config_map, NULL},
    {"secret", &crd_secret, NULL},
    {"emptyDir", &crd_empty_dir, NULL},
    {"csi", &crd_csi, NULL},
    {"nfs", &crd_nfs, NULL})};

static const struct shape crd_requests = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"cpu", SHAPE(WHOLE_OR_TEXT, .most = 32, .rules = RULES({RULE_QUANTITY, "", "must be a quantity such as 500m or 2Gi"})), NULL},
    {"memory", SHAPE(WHOLE_OR_TEXT, .most = 32, .rules = RULES({RULE_QUANTITY, "", "must be a quantity such as 500m or 2Gi"})), NULL},
    {"ephemeral-storage", SHAPE(WHOLE_OR_TEXT, .most = 32, .rules = RULES({RULE_QUANTITY, "", "must be a quantity such as 500m or 2Gi"})), NULL})};

static const struct shape crd_resources = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"requests", &crd_requests, NULL},
    {"limits", &crd_requests, NULL})};

static const struct shape crd_service_account = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"labels", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 63)), NULL},
    {"annotations", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 65536)), NULL})};

static const struct shape crd_environment = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"name", SHAPE(TEXT, .most = 255, .rules = RULES({RULE_PATTERN, "^[^= \t\r\n\f]+$", "must be a variable's name, without '=' and blanks"})), "the variable's name"},
    {"value", SHAPE(TEXT, .most = 65536), "the variable's value"})};

static const struct shape crd_rolling_update = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"maxSurge", SHAPE(WHOLE_OR_TEXT, .min = 0, .max = 2147483647, .most = 4, .rules = RULES({RULE_PATTERN, "^(100|[0-9]{1,2})%$", "must be a number of pods or a percentage of them, such as 1 or 50%"})), NULL},
    {"maxUnavailable", SHAPE(WHOLE_OR_TEXT, .min = 0, .max = 2147483647, .most = 4, .rules = RULES({RULE_PATTERN, "^(100|[0-9]{1,2})%$", "must be a number of pods or a percentage of them, such as 1 or 50%"})), NULL})};

static const struct shape crd_strategy = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"type", SHAPE(TEXT, .words = "RollingUpdate, Recreate"), NULL},
    {"rollingUpdate", &crd_rolling_update, NULL})};

static const struct shape crd_deployment = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"labels", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 63)), NULL},
    {"annotations", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 65536)), NULL},
    {"strategy", &crd_strategy, NULL},
    {"minReadySeconds", SHAPE(WHOLE, .min = 0, .max = 2147483647), NULL},
    {"progressDeadlineSeconds", SHAPE(WHOLE, .min = 1, .max = 2147483647), NULL},
    {"revisionHistoryLimit", SHAPE(WHOLE, .min = 0, .max = 100), NULL})};

static const struct shape crd_manager_resources = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"requests", SHAPE(MAP, .most = 16, .each = SHAPE(WHOLE_OR_TEXT, .most = 32, .rules = RULES({RULE_QUANTITY, "", "must be a quantity such as 500m or 2Gi"}))), NULL},
    {"limits", SHAPE(MAP, .most = 16, .each = SHAPE(WHOLE_OR_TEXT, .most = 32, .rules = RULES({RULE_QUANTITY, "", "must be a quantity such as 500m or 2Gi"}))), NULL})};

static const struct shape crd_manager_tolerations = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"key", SHAPE(TEXT, .most = 317), NULL},
    {"operator", SHAPE(TEXT, .words = "Equal, Exists"), NULL},
    {"value", SHAPE(TEXT, .most = 63), NULL},
    {"effect", SHAPE(TEXT, .words = ", NoSchedule, PreferNoSchedule, NoExecute"), NULL},
    {"tolerationSeconds", SHAPE(WHOLE, .min = 0, .max = INT64_MAX), NULL})};

static const struct shape crd_topology_spread_constraints = {.type = SHAPE_OBJECT, .open = true, .most = 16, .members = MEMBERS(
    {"maxSkew", SHAPE(WHOLE, .min = 1, .max = 2147483647), ""},
    {"topologyKey", SHAPE(TEXT, .least = 1, .most = 317), "the label of nodes whose values are the places to spread over"},
    {"whenUnsatisfiable", SHAPE(TEXT, .words = "DoNotSchedule, ScheduleAnyway"), ""})};

static const struct shape crd_env = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 255), "the variable's name"},
    {"value", SHAPE(TEXT, .most = 65536), NULL},
    {"valueFrom", SHAPE(OBJECT, .open = true, .most = 8), NULL})};

static const struct shape crd_pod_spec_volumes = {.type = SHAPE_OBJECT, .open = true, .most = 16, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 253), ""})};

static const struct shape crd_containers_env = {.type = SHAPE_OBJECT, .open = true, .most = 8, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 1024), "the variable's name"})};

static const struct shape crd_volume_mounts = {.type = SHAPE_OBJECT, .open = true, .most = 16, .members = MEMBERS(
    {"mountPath", SHAPE(TEXT, .least = 1, .most = 1024), ""})};

static const struct shape crd_containers = {.type = SHAPE_OBJECT, .open = true, .most = 64, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 253), ""},
    {"command", SHAPE(LIST, .most = 256, .each = SHAPE(TEXT, .most = 65536)), NULL},
    {"args", SHAPE(LIST, .most = 256, .each = SHAPE(TEXT, .most = 65536)), NULL},
    {"lifecycle", SHAPE(OBJECT, .open = true, .most = 8), NULL},
    {"env", SHAPE(LIST, .most = 128, .unique = true, .keys = KEYS("name"), .each = &crd_containers_env), NULL},
    {"volumeMounts", SHAPE(LIST, .most = 128, .unique = true, .keys = KEYS("mountPath"), .each = &crd_volume_mounts), NULL})};

static const struct shape crd_init_containers = {.type = SHAPE_OBJECT, .open = true, .most = 64, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 253), ""},
    {"env", SHAPE(LIST, .most = 128, .unique = true, .keys = KEYS("name"), .each = &crd_containers_env), NULL},
    {"volumeMounts", SHAPE(LIST, .most = 128, .unique = true, .keys = KEYS("mountPath"), .each = &crd_volume_mounts), NULL})};

static const struct shape crd_image_pull_secrets = {.type = SHAPE_OBJECT, .open = true, .most = 8, .members = MEMBERS(
    {"name", SHAPE(TEXT, .least = 1, .most = 253), ""})};

static const struct shape crd_pod_spec_host_aliases = {.type = SHAPE_OBJECT, .open = true, .most = 8, .members = MEMBERS(
    {"ip", SHAPE(TEXT, .least = 1, .most = 253), "an address"})};

static const struct shape crd_pod_spec = {.type = SHAPE_OBJECT, .open = true, .most = 64, .members = MEMBERS(
    {"serviceAccountName", SHAPE(TEXT, .most = 253), NULL},
    {"serviceAccount", SHAPE(TEXT, .most = 253), NULL},
    {"automountServiceAccountToken", SHAPE(FLAG), NULL},
    {"restartPolicy", SHAPE(TEXT, .most = 64), NULL},
    {"volumes", SHAPE(LIST, .most = 64, .unique = true, .keys = KEYS("name"), .each = &crd_pod_spec_volumes), NULL},
    {"containers", SHAPE(LIST, .most = 16, .unique = true, .keys = KEYS("name"), .each = &crd_containers), NULL},
    {"initContainers", SHAPE(LIST, .most = 16, .unique = true, .keys = KEYS("name"), .each = &crd_init_containers), NULL},
    {"imagePullSecrets", SHAPE(LIST, .most = 64, .unique = true, .keys = KEYS("name"), .each = &crd_image_pull_secrets), NULL},
    {"hostAliases", SHAPE(LIST, .most = 64, .unique = true, .keys = KEYS("ip"), .each = &crd_pod_spec_host_aliases), NULL})};

static const struct shape crd_pod_disruption_budget = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"minAvailable", SHAPE(WHOLE_OR_TEXT, .min = 0, .max = 2147483647, .most = 4, .rules = RULES({RULE_PATTERN, "^(100|[0-9]{1,2})%$", "must be a number of pods or a percentage of them, such as 1 or 50%"})), NULL},
    {"maxUnavailable", SHAPE(WHOLE_OR_TEXT, .min = 0, .max = 2147483647, .most = 4, .rules = RULES({RULE_PATTERN, "^(100|[0-9]{1,2})%$", "must be a number of pods or a percentage of them, such as 1 or 50%"})), NULL})};

static const struct shape crd_manager = {.type = SHAPE_OBJECT, .defaulted = true, .members = MEMBERS(
    {"image", SHAPE(TEXT, .least = 1, .most = 1024), NULL},
    {"imagePullPolicy", SHAPE(TEXT, .words = "Always, IfNotPresent, Never"), NULL},
    {"imagePullSecrets", SHAPE(LIST, .most = 32, .unique = true, .keys = KEYS("name"), .each = &crd_client_certificate_secret_ref), NULL},
    {"replicas", SHAPE(WHOLE, .defaulted = true, .otherwise = 1, .min = 0, .max = 1000), NULL},
    {"terminationGracePeriodSeconds", SHAPE(WHOLE, .defaulted = true, .otherwise = 3600, .min = 1, .max = 2147483647), NULL},
    {"priorityClassName", SHAPE(TEXT, .least = 1, .most = 253), NULL},
    {"serviceAccountName", SHAPE(TEXT, .least = 1, .most = 253), NULL},
    {"serviceAccount", &crd_service_account, NULL},
    {"deployment", &crd_deployment, NULL},
    {"resources", &crd_manager_resources, NULL},
    {"nodeSelector", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 63)), NULL},
    {"tolerations", SHAPE(LIST, .most = 32, .each = &crd_manager_tolerations), NULL},
    {"affinity", SHAPE(OBJECT, .open = true, .most = 8), NULL},
    {"topologySpreadConstraints", SHAPE(LIST, .most = 16, .unique = true, .keys = KEYS("topologyKey", "whenUnsatisfiable"), .each = &crd_topology_spread_constraints), NULL},
    {"podLabels", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 63)), NULL},
    {"podAnnotations", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 65536)), NULL},
    {"env", SHAPE(LIST, .most = 128, .unique = true, .keys = KEYS("name"), .each = &crd_env), NULL},
    {"envFrom", SHAPE(LIST, .most = 32, .each = SHAPE(OBJECT, .open = true, .most = 8)), NULL},
    {"podSpec", &crd_pod_spec, NULL},
    {"podDisruptionBudget", &crd_pod_disruption_budget, NULL})};

static const struct shape crd_token_rotation = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"policy", SHAPE(TEXT, .defaulted = true, .words = "Auto, Disabled"), NULL},
    {"beforeExpiryPercent", SHAPE(WHOLE, .defaulted = true, .otherwise = 25, .min = 5, .max = 90), NULL})};

static const struct shape crd_spec = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"url", SHAPE(TEXT, .most = 1024, .rules = RULES({RULE_PATTERN, "^https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$", "must be http:// or https://, a host, and if need be a port and a path; nothing else"})), "GitLab's address, such as https://gitlab.example.com"},
    {"authentication", &crd_authentication, ""},
    {"scope", &crd_scope, NULL},
    {"caSecretRef", &crd_registration_token_secret_ref, NULL},
    {"caConfigMapRef", &crd_ca_config_map_ref, NULL},
    {"clientCertificateSecretRef", &crd_client_certificate_secret_ref, NULL},
    {"description", SHAPE(TEXT, .least = 1, .most = 1024), NULL},
    {"tags", SHAPE(LIST, .most = 50, .unique = true, .each = SHAPE(TEXT, .least = 1, .most = 255)), NULL},
    {"runUntagged", SHAPE(FLAG), NULL},
    {"locked", SHAPE(FLAG), NULL},
    {"paused", SHAPE(FLAG), NULL},
    {"accessLevel", SHAPE(TEXT, .words = "NotProtected, RefProtected"), NULL},
    {"maximumTimeoutSeconds", SHAPE(WHOLE, .min = 600, .max = 2147483647), NULL},
    {"maintenanceNote", SHAPE(TEXT, .most = 900, .rules = RULES({RULE_LACKS, "gitlab-runners.dev/uid=", "must not have gitlab-runners.dev/uid= in it, by which the operator knows whose a runner is: take it out"})), NULL},
    {"concurrent", SHAPE(WHOLE, .defaulted = true, .otherwise = 10, .min = 1, .max = 100000), NULL},
    {"checkIntervalSeconds", SHAPE(WHOLE, .defaulted = true, .otherwise = 3, .min = 1, .max = 3600), NULL},
    {"logLevel", SHAPE(TEXT, .words = "debug, info, warn, error, fatal, panic"), NULL},
    {"logFormat", SHAPE(TEXT, .words = "runner, text, json"), NULL},
    {"namespace", SHAPE(TEXT, .most = 63, .rules = RULES({RULE_PATTERN, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "must have at most 63 lower-case letters, digits and dashes, and begin and end with a letter or digit"})), NULL},
    {"image", SHAPE(TEXT, .least = 1, .most = 1024), NULL},
    {"helperImage", SHAPE(TEXT, .least = 1, .most = 1024), NULL},
    {"nodeSelector", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 63)), NULL},
    {"tolerations", SHAPE(LIST, .most = 32, .each = &crd_tolerations), NULL},
    {"affinity", &crd_affinity, NULL},
    {"cache", &crd_cache, NULL},
    {"proxy", &crd_proxy, NULL},
    {"hostAliases", SHAPE(LIST, .most = 64, .unique = true, .keys = KEYS("ip"), .each = &crd_host_aliases), NULL},
    {"volumes", SHAPE(LIST, .most = 64, .unique = true, .keys = KEYS("name"), .each = &crd_volumes), NULL},
    {"resources", &crd_resources, NULL},
    {"serviceAccountName", SHAPE(TEXT, .least = 1, .most = 253), NULL},
    {"serviceAccount", &crd_service_account, NULL},
    {"imagePullSecrets", SHAPE(LIST, .most = 32, .unique = true, .keys = KEYS("name"), .each = &crd_client_certificate_secret_ref), NULL},
    {"pullPolicy", SHAPE(LIST, .most = 3, .each = SHAPE(TEXT, .words = "Always, IfNotPresent, Never")), NULL},
    {"privileged", SHAPE(FLAG), NULL},
    {"podSecurity", SHAPE(TEXT, .words = "Baseline, Restricted"), NULL},
    {"podLabels", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 1024)), NULL},
    {"podAnnotations", SHAPE(MAP, .most = 64, .each = SHAPE(TEXT, .most = 65536)), NULL},
    {"environment", SHAPE(LIST, .most = 256, .unique = true, .keys = KEYS("name"), .each = &crd_environment), NULL},
    {"config", SHAPE(OBJECT, .open = true, .most = 64), NULL},
    {"manager", &crd_manager, NULL},
    {"deletionPolicy", SHAPE(TEXT, .defaulted = true, .words = "Delete, Orphan"), NULL},
    {"deregistrationDeadlineSeconds", SHAPE(WHOLE, .defaulted = true, .otherwise = 900, .min = 0, .max = 604800), NULL},
    {"serverCheckPeriodSeconds", SHAPE(WHOLE, .defaulted = true, .otherwise = 600, .min = 30, .max = 86400), NULL},
    {"tokenRotation", &crd_token_rotation, NULL},
    {"suspend", SHAPE(FLAG), NULL})};

const struct shape crd_shape = {.type = SHAPE_OBJECT, .members = MEMBERS(
    {"apiVersion", SHAPE(TEXT), NULL},
    {"kind", SHAPE(TEXT), NULL},
    {"spec", &crd_spec, ""},
    {"metadata", SHAPE(ANY), NULL},
    {"status", SHAPE(ANY), NULL})};
/* clang-format on */
