{{ config(tags='from_seeds') }}
-- One row per reason that ends an episode, by family of services (seed end_reason), with a group that holds for all families; and the
-- special members.
select
    {{ surrogate_key('end_reason', ['service_family_code', 'end_reason_code']) }} as end_reason_key,
    service_family_code,
    end_reason_code,
    end_reason_label,
    end_reason_group_code,
    end_reason_group_label
from {{ ref('end_reason') }}
union all
select
    member_key,
    member_code,
    member_code,
    member_label,
    member_code,
    member_label
from (
    values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
