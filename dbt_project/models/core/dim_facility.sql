{{ config(
    materialized='incremental',
    indexes=[{'columns': ['facility_key'], 'unique': true}]
) }}
-- One row per residential or semi-residential structure that any accepted admission ever named, and the special members.
with used as (
    select distinct
        sender_code,
        facility_code
    from {{ source('raw', 'far1__admission') }}
    where
        facility_code is not null
        {% if is_incremental() %}
            and {{ in_new_deliveries('delivery_id') }}
        {% endif %}
),

facility as (
    select
        {{ surrogate_key('facility', ['used.sender_code', 'used.facility_code']) }} as facility_key,
        used.facility_code,
        used.sender_code,
        used.sender_code as ausl_code,
        coalesce(ausl.ausl_label, 'Non noto') as ausl_label
    from used
    left join {{ ref('int_territory__member') }} as ausl
        on
            ausl.territory_level = 'ausl'
            and used.sender_code = ausl.territory_code
    union all
    select
        member_key,
        member_code,
        member_code,
        member_code,
        member_label
    from (
        values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
    ) as special (member_key, member_code, member_label)
)

select facility.*
from facility
{% if is_incremental() %}
    where facility.facility_key not in (
        select known.facility_key
        from {{ this }} as known
    )
{% endif %}
