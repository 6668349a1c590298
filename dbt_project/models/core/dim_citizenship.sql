{{ config(tags='from_seeds') }}
-- One row per country, and the special members. Stateless persons (999) are counted with foreigners, as ISTAT does; who has no known
-- citizenship (998, 888) is in neither group.
select
    {{ surrogate_key('citizenship', ['citizenship_code']) }} as citizenship_key,
    citizenship_code,
    citizenship_label,
    case
        when citizenship_code = '100' then 'italiana'
        when citizenship_code in ('888', '998') then 'non disponibile'
        else 'straniera'
    end as citizenship_group,
    is_eu
from {{ ref('citizenship') }}
union all
select
    {{ surrogate_key('citizenship', ["'998'"]) }},
    '998',
    'Non nota',
    'non disponibile',
    false
where
    not exists (
        select 1
        from {{ ref('citizenship') }}
        where citizenship_code = '998'
    )
union all
select
    member_key,
    member_code,
    member_label,
    'non disponibile',
    false
from (
    values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
