-- One row per regional code in each version of the nomenclature, and the special members.
select
    version.demand_type_key,
    version.nomenclature_version,
    version.regional_code,
    item.label as demand_type_label,
    item.level1_code,
    item.level1_label,
    item.istat_code,
    item.cisis_code,
    item.valid_from,
    coalesce(item.valid_to, date '9999-12-31') as valid_to
from {{ ref('int_demand_type__version') }} as version
inner join {{ source('landing', 'regional_nomenclature') }} as item
    on
        version.nomenclature_version = item.nomenclature_version
        and version.regional_code = item.regional_code
union all
select
    member_key,
    cast(0 as smallint),
    member_code,
    member_label,
    member_code,
    member_label,
    cast(null as text),
    cast(null as text),
    date '1900-01-01',
    date '9999-12-31'
from (
    values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
) as special (member_key, member_code, member_label)
