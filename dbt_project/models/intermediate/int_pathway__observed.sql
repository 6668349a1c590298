-- One row per district and family of services: up to which day its services are known, now and before this build. What an AUSL sends
-- stands for its districts, of those that became Romagna the later one too.
select
    district.territory_code as district_code,
    observed.service_family_code,
    max(observed.observed_to) as observed_to,
    max(observed.observed_to_before) as observed_to_before
from {{ ref('int_service__observed') }} as observed
inner join {{ ref('service_family') }} as family
    on observed.service_family_code = family.service_family_code
inner join {{ ref('int_territory__member') }} as district
    on
        district.territory_level = 'district'
        and observed.sender_code = case when family.sender_kind = 'ausl' then district.ausl_code else district.territory_code end
group by district.territory_code, observed.service_family_code
