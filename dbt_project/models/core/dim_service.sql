{{ config(tags='from_seeds') }}
-- One row per service of the flows (seed service): the type of structure, of home care, of allowance or of intervention, under its
-- group and family; and the special members.
select
    {{ surrogate_key('service', ['service.service_code']) }} as service_key,
    service.service_code,
    service.service_label,
    service.service_group_code,
    service.service_group_label,
    service.service_family_code,
    family.service_family_label,
    service.intensity_rank
from {{ ref('service') }} as service
inner join {{ ref('service_family') }} as family
    on service.service_family_code = family.service_family_code
union all
select
    member_key,
    member_code,
    member_label,
    member_code,
    member_label,
    member_code,
    member_label,
    cast(99 as smallint)
from (
    values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
