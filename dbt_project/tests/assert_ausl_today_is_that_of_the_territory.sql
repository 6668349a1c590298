-- The AUSL that took the districts of another: as the aggregates are told, and as the territory says.
select
    former.territory_code,
    former.ausl_code,
    {{ ausl_of_today('former.territory_code') }} as told_code
from {{ ref('int_territory__ausl') }} as former
inner join {{ ref('dim_ausl') }} as ausl
    on former.territory_code = ausl.ausl_code
where
    former.valid_to = date '9999-12-31'
    and nullif(former.ausl_code, former.territory_code) is distinct from {{ ausl_of_today('former.territory_code') }}
