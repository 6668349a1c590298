{{ config(
    materialized='incremental',
    indexes=[{'columns': ['desk_key'], 'unique': true}]
) }}
-- One row per desk that any accepted contact ever named; its place is today's, the facts hold the place of their day.
with used as (
    select distinct
        sender_code,
        desk_code
    from {{ source('raw', 'iass__contact') }}
    where
        desk_code is not null
        {% if is_incremental() %}
            and {{ in_new_deliveries('delivery_id') }}
        {% endif %}
),

desk as (
    select
        {{ surrogate_key('desk', ['used.sender_code', 'used.desk_code']) }} as desk_key,
        used.desk_code,
        used.sender_code,
        coalesce(comune.comune_code, '-1') as comune_code,
        coalesce(comune.territory_label, 'Non noto') as comune_label,
        used.sender_code as district_code,
        coalesce(comune.ausl_code, '-1') as ausl_code
    from used
    left join lateral (
        select
            territory.comune_code,
            territory.territory_label,
            territory.ausl_code
        from {{ ref('int_territory__member') }} as territory
        where
            territory.territory_level = 'comune'
            and territory.territory_code = split_part(used.desk_code, '-', 1)
        order by territory.valid_to desc
        limit 1
    ) as comune on true
    union all
    select
        member_key,
        member_code,
        member_code,
        member_code,
        member_label,
        member_code,
        member_code
    from (
        values (-1::bigint, '-1', 'Non noto'), (-2::bigint, '-2', 'Anonimo'), (-3::bigint, '-3', 'Non applicabile')
    ) as special (member_key, member_code, member_label)
)

select desk.*
from desk
{% if is_incremental() %}
    where desk.desk_key not in (
        select known.desk_key
        from {{ this }} as known
    )
{% endif %}
