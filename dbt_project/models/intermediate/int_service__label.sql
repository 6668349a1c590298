-- One row per family of services and per service, with its name.
select distinct
    level.service_level,
    level.service_code,
    level.service_label
from {{ ref('dim_service') }} as service
cross join lateral (
    values
    ('family', service.service_family_code, service.service_family_label),
    ('service', service.service_code, service.service_label)
) as level (service_level, service_code, service_label)
