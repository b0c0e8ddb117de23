# Looks whether the shop has an address on both clouds. TERRACE_OUTPUTS names the file with the stack's outputs.
read -r outputs < "$TERRACE_OUTPUTS"
for cloud in aws google; do
    case $outputs in
        *"\"$cloud\":\"https://"*) ;;
        *)
            echo "the shop has no address on $cloud" >&2
            exit 1
            ;;
    esac
done
