-- One row per regional code and nomenclature version that holds it, with the days on which facts use that version.
-- Days before the first version take the first; days after a code was dropped keep the last that knew it.
with item as (
    select
        item.regional_code,
        item.nomenclature_version,
        version.valid_from as version_from
    from {{ source('landing', 'regional_nomenclature') }} as item
    inner join {{ source('landing', 'nomenclature_version') }} as version
        on item.nomenclature_version = version.nomenclature_version
)

select
    regional_code,
    nomenclature_version,
    {{ surrogate_key('demand_type', ['nomenclature_version', 'regional_code']) }} as demand_type_key,
    case
        when row_number() over code_by_version = 1 then date '1900-01-01'
        else version_from
    end as used_from,
    coalesce(lead(version_from) over code_by_version - 1, date '9999-12-31') as used_to
from item
window code_by_version as (partition by regional_code order by nomenclature_version)
